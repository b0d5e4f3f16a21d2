"""`pan-keras report`: the command line of `pan_keras.reports.write_report`."""

from pathlib import Path

import click

from pan_keras.cli.output import TensorFlowCommand, echo


@click.command(cls=TensorFlowCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; by default report.html in the run.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="A run evaluated on the same clips, shown for comparison.",
)
def report(run: Path, output: Path | None, baseline: Path | None) -> None:
    """Write a report of RUN as one self-contained page.

    It shows the accuracy that `pan-keras evaluate` measured, the training curves, example clips
    with their motion maps, the data and the configuration.
    """
    from pan_keras.reports import write_report  # TensorFlow takes seconds to import

    echo(write_report(run, output, baseline))
