"""`pan-keras compare`: the command line of `pan_keras.evaluation.compare`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pan_keras.cli.options import clips_option, crops_option, json_option, split_option
from pan_keras.cli.output import TensorFlowCommand, echo

if TYPE_CHECKING:
    from pan_keras.inference.views import Crops


@click.command(cls=TensorFlowCommand)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@split_option
@crops_option
@clips_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write: .html for a page, .png for its figures.",
)
@json_option
def compare(
    runs: tuple[Path, ...],
    split: str,
    crops: "Crops",
    clips: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Compare RUNs on the same clips: accuracy, significance, classes, cost.

    Results of `pan-keras evaluate` with these views are used; otherwise a run is evaluated first.
    """
    from pan_keras.evaluation import compare  # TensorFlow takes seconds to import
    from pan_keras.reports.comparison_page import check_page, write_comparison

    if output is not None:
        check_page(output)
    comparison = compare(runs, split=split, crops=crops, clips=int(clips), progress=not as_json)
    if output is not None:
        write_comparison(comparison, output)
    echo(comparison.to_json() if as_json else comparison.to_text())
