"""`pan-keras predict`: the command line of `pan_keras.training.prediction.predict`."""

import sys
from pathlib import Path

import click

from pan_keras.cli.quiet import TensorFlowCommand


@click.command(cls=TensorFlowCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument(
    "videos", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="VIDEO..."
)
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="Classes per video."
)
@click.option(
    "--crops",
    type=click.Choice(["1", "3", "full"]),
    default="1",
    show_default=True,
    help="Views in space: the centre, three crops, or the whole frame.",
)
@click.option(
    "--clips",
    type=click.Choice(["1", "2", "10"]),
    default="1",
    show_default=True,
    help="Views in time of each video.",
)
@click.option(
    "--batch", type=click.IntRange(1), default=8, show_default=True, help="Views per step."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a video.")
def predict(run, videos, top, crops, clips, batch, as_json):
    """Name the most probable classes of each VIDEO, a file or a folder of files.

    A file that cannot be read is named on standard error, and the others go on; the exit code
    is 2 where none could be read.
    """
    from pan_keras.training.prediction import predict  # TensorFlow takes seconds to import

    read = 0
    for prediction in predict(run, videos, top=top, crops=crops, clips=int(clips), batch=batch):
        if prediction.error:
            click.echo(f"{prediction.path}: skipped ({prediction.error})", err=True)
        read += not prediction.error
        if as_json:
            click.echo(prediction.to_json())
        elif not prediction.error:
            click.echo(prediction.to_text())
    if not read:
        sys.exit(2)
