"""`pan-keras predict`: the command line of `pan_keras.inference.predict`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pan_keras.cli.options import (
    batch_option,
    clips_option,
    crops_option,
    format_option,
    fuse_option,
    precision_option,
)
from pan_keras.cli.output import echo, import_tensorflow
from pan_keras.errors import UserError

if TYPE_CHECKING:
    from pan_keras.inference.views import Crops, Fuse


@click.command
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("videos", nargs=-1, type=click.Path(path_type=Path), metavar="VIDEO...")
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="Classes per video."
)
@crops_option
@clips_option
@fuse_option
@precision_option
@format_option
@batch_option
@click.option(
    "--overlay",
    type=click.Path(path_type=Path),
    help="Draw the answer and PA over a copy of the video: an .mp4 file; for several a folder.",
)
@click.option(
    "--source",
    metavar="NUMBER|URL",
    help="Instead of VIDEO: a camera, such as 0, or a stream; answers until it ends.",
)
@click.option(
    "--every",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    help="Minimum seconds between two answers of a source.",
)
@click.option(
    "--retry",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Reconnection attempts for a camera or stream, after 0.5 to 8 seconds.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per answer and nothing else."
)
def predict(
    run: Path,
    videos: tuple[Path, ...],
    top: int,
    crops: "Crops",
    clips: str,
    fuse: "Fuse",
    precision: str | None,
    file_format: str | None,
    batch: int,
    overlay: Path | None,
    source: str | None,
    every: float,
    retry: int,
    as_json: bool,
) -> None:
    """Name the most probable classes of each VIDEO, a file, a folder of frames, or a folder of
    either.

    RUN is a run folder or an exported bundle.

    A file that cannot be read is named on standard error and skipped; the exit code is 2 if none
    could be read. A --source ends with exit code 0 at the end of a recording or on Ctrl-C, and with
    2 and one sentence if it cannot be opened or disconnects.
    """
    if source is not None and (videos or overlay or crops != "1" or clips != "1"):
        raise UserError("--source cannot be combined with VIDEO, --overlay, --crops or --clips")
    if source is None and not videos:
        raise UserError("VIDEO is missing; name videos, folders of videos, or a --source")
    if source is not None and not source.isdecimal():
        from pan_keras.video.live_readers import check_source

        check_source(source)  # before anything that takes seconds; a camera is opened later
    import_tensorflow(click.get_current_context(), [run])
    options: dict[str, Any] = {"top": top, "precision": precision, "file_format": file_format}
    if source is not None:
        _print_live(run, source, as_json, every=every, retry=retry, **options)
        return
    options |= {"crops": crops, "clips": int(clips), "batch": batch, "fuse": fuse}
    if overlay is not None:
        from pan_keras.reports import predict_onto

        predictions = predict_onto(run, videos, overlay, tell=_tell, **options)
    else:
        from pan_keras.inference import predict

        predictions = predict(run, videos, **options)
    read = 0
    for prediction in predictions:
        if prediction.error:
            echo(f"{prediction.path}: skipped ({prediction.error})", err=True)
        read += not prediction.error
        if as_json:
            echo(prediction.to_json())
        elif not prediction.error:
            echo(prediction.to_text())
    if not read:
        sys.exit(2)


def _print_live(run: Path, source: str, as_json: bool, **options: Any) -> None:
    """Prints the answers about a camera or stream, until it ends or Ctrl-C."""
    from pan_keras.inference import predict_live

    try:
        for answer in predict_live(run, source, tell=_tell, **options):
            echo(answer.to_json() if as_json else answer.to_text())
    except KeyboardInterrupt:
        echo("stopped", err=True)


def _tell(sentence: str) -> None:
    """Prints what is no answer, beside the answers."""
    echo(sentence, err=True)
