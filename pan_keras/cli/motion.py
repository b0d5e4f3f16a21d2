"""`pan-keras motion`: the command line of `pan_keras.reports.draw_motion`."""

from pathlib import Path

import click

from pan_keras.cli.options import json_option
from pan_keras.cli.output import TensorFlowCommand, echo


@click.command(cls=TensorFlowCommand)
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write: .mp4 for the whole video, .png for three moments.",
)
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    help="Run whose filters compute PA; by default Gaussian derivatives.",
)
@click.option(
    "--flow",
    default="dis_medium",
    show_default=True,
    help="Optical flow: dis_medium, dis_fast, dis_ultrafast, farneback or tvl1.",
)
@click.option(
    "--size",
    type=click.IntRange(16),
    help="Pixels of the shorter side to work on; by default the run's, else 256 at most.",
)
@json_option
def motion(
    video: Path, output: Path, run: Path | None, flow: str, size: int | None, as_json: bool
) -> None:
    """Draw the frames of VIDEO with their persistence of appearance and optical flow."""
    from pan_keras.reports import draw_motion  # TensorFlow takes seconds to import

    result = draw_motion(video, output, run=run, flow=flow, size=size)
    echo(result.to_json() if as_json else result.to_text())
