"""`pan-keras calibrate`: the command line of `pan_keras.inference.calibrating`."""

from pathlib import Path

import click

from pan_keras.cli.options import batch_option, json_option
from pan_keras.cli.output import TensorFlowCommand, echo


@click.command(cls=TensorFlowCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--false-alarms",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Also choose the threshold of the answer unknown, so that at most this share of clips "
    "gets a wrong answer, such as 0.05.",
)
@click.option(
    "--negatives",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Video or folder of videos that show none of the classes, of which at most that share "
    "gets an answer; can be repeated.",
)
@click.option(
    "--root", type=click.Path(path_type=Path), help="Folder of the videos of RUN, if moved."
)
@batch_option
@json_option
def calibrate(
    run: Path,
    false_alarms: float | None,
    negatives: tuple[Path, ...],
    root: Path | None,
    batch: int,
    as_json: bool,
) -> None:
    """Calibrate the probabilities of RUN, and its threshold for "unknown", on validation clips.

    The result is stored in RUN and in bundles exported afterwards.
    """
    from pan_keras.inference import calibrate

    found = calibrate(run, false_alarms=false_alarms, negatives=negatives, root=root, batch=batch)
    echo(found.to_json() if as_json else found.to_text())
