"""`pan-keras predict`: the command line of `pan_keras.training.prediction.predict`."""

import sys
from pathlib import Path

import click

from pan_keras.cli.options import (
    batch_option,
    clips_option,
    crops_option,
    format_option,
    precision_option,
)
from pan_keras.cli.quiet import TensorFlowCommand


@click.command(cls=TensorFlowCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument(
    "videos", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="VIDEO..."
)
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="Classes per video."
)
@crops_option
@clips_option
@precision_option
@format_option
@batch_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a video.")
def predict(run, videos, top, crops, clips, precision, file_format, batch, as_json):
    """Name the most probable classes of each VIDEO, a file or a folder of files.

    RUN is a run folder or an exported bundle.

    A file that cannot be read is named on standard error, and the others go on; the exit code
    is 2 where none could be read.
    """
    from pan_keras.training.prediction import predict  # TensorFlow takes seconds to import

    read = 0
    options = {"precision": precision, "file_format": file_format, "batch": batch}
    for prediction in predict(run, videos, top=top, crops=crops, clips=int(clips), **options):
        if prediction.error:
            click.echo(f"{prediction.path}: skipped ({prediction.error})", err=True)
        read += not prediction.error
        if as_json:
            click.echo(prediction.to_json())
        elif not prediction.error:
            click.echo(prediction.to_text())
    if not read:
        sys.exit(2)
