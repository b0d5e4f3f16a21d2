"""`pan-keras predict`: the command line of `pan_keras.inference.predict`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pan_keras.cli.engine import check_engine, engine_options, opened_engine, workers_option
from pan_keras.cli.options import (
    COUNT,
    batch_option,
    clips_option,
    crops_option,
    format_option,
    fuse_option,
    json_option_for,
    precision_option,
)
from pan_keras.cli.output import echo, import_tensorflow, tell
from pan_keras.errors import UserError
from pan_keras.files import refuse_overwriting
from pan_keras.remote.addresses import displayed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pan_keras.inference import Prediction
    from pan_keras.inference.views import Crops, Fuse


@click.command
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("videos", nargs=-1, type=click.Path(path_type=Path), metavar="VIDEO...")
@click.option("--top", type=COUNT, default=5, show_default=True, help="Classes per video.")
@crops_option
@clips_option
@fuse_option
@precision_option
@format_option
@batch_option
@engine_options
@workers_option
@click.option(
    "--overlay",
    type=click.Path(path_type=Path),
    help="Draw the answer and PA over a copy of the video: an .mp4 file, or a folder for several.",
)
@click.option(
    "--csv",
    "table",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write a table, one row per video (path, answer, the top labels and probabilities) "
    "or, with --timeline, per segment.",
)
@click.option(
    "--timeline",
    is_flag=True,
    help="Find the actions in long videos, with the start and end of each.",
)
@click.option(
    "--subtitles",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --timeline and one VIDEO: also write its segments as .srt or .vtt.",
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
@json_option_for("one JSON object per answer")
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
    table: Path | None,
    timeline: bool,
    subtitles: Path | None,
    source: str | None,
    every: float,
    retry: int,
    engine: str,
    address: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Name the most probable classes of each VIDEO, a file, a folder of frames, or a folder of
    either; also by address, such as s3://bucket/wave.mp4 or https://example.org/wave.mp4.

    RUN is a run folder or an exported bundle.

    A file that cannot be read is named on standard error and skipped; the exit code is 2 if none
    could be read. A --source ends with exit code 0 at the end of a recording or on Ctrl-C, and with
    2 and one sentence if it cannot be opened or disconnects.
    """
    viewed = crops != "1" or clips != "1"
    _check_inputs(videos, source, bool(videos or overlay or table or timeline or viewed))
    if source is not None and not source.isdecimal():
        from pan_keras.video.live_readers import check_source

        check_source(source)  # before slow imports; a camera is opened later
    if engine == "ray" and (overlay or timeline or source is not None):
        raise UserError("--engine ray cannot be combined with --overlay, --timeline or --source")
    check_engine(engine, address, workers)
    for written in filter(None, (table, subtitles)):
        refuse_overwriting(written, videos)
    _check_timeline(videos, subtitles, overlay, timeline, viewed)
    import_tensorflow(click.get_current_context(), [run])
    options: dict[str, Any] = {"top": top, "precision": precision, "file_format": file_format}
    if source is not None:
        _print_live(run, source, as_json, every=every, retry=retry, **options)
        return
    if timeline:
        del options["top"]
        _print_timelines(run, videos, as_json, table, subtitles, overlay, batch=batch, **options)
        return
    options |= {"crops": crops, "clips": int(clips), "batch": batch, "fuse": fuse}
    with opened_engine(engine, address, workers) as cluster:
        scorer = None
        if cluster is not None:
            from pan_keras.cluster import ScoringActors

            record = None if table is None else table.with_name(f".{table.name}.scores")
            scorer = options["scorer"] = ScoringActors(cluster, workers, record)
        if overlay is not None:
            from pan_keras.reports import predict_onto

            predictions = predict_onto(run, videos, overlay, tell=tell, **options)
        else:
            from pan_keras.inference import predict

            predictions = predict(run, videos, **options)
        read = _print_predictions(predictions, as_json, table, top)
        if scorer is not None:
            scorer.finish()
    if not read:
        sys.exit(2)


def _print_predictions(
    predictions: "Iterable[Prediction]", as_json: bool, table: Path | None, top: int
) -> int:
    """Prints predictions as they come, and writes the table; returns how many files were read."""
    read, found = 0, []
    for prediction in predictions:
        if prediction.error:
            tell(f"{displayed(prediction.path)}: skipped ({prediction.error})")
        read += not prediction.error
        found.append(prediction)
        if as_json:
            echo(prediction.to_json())
        elif not prediction.error:
            echo(prediction.to_text())
    if table is not None:
        from pan_keras.inference import write_table

        write_table(table, found, top)
    return read


def _check_inputs(videos: tuple[Path, ...], source: str | None, others: bool) -> None:
    if source is not None and others:
        raise UserError(
            "--source cannot be combined with VIDEO, --overlay, --csv, --timeline, --crops or "
            "--clips"
        )
    if source is None and not videos:
        raise UserError("VIDEO is missing; name videos, folders of videos, or a --source")


def _check_timeline(
    videos: tuple[Path, ...],
    subtitles: Path | None,
    overlay: Path | None,
    timeline: bool,
    viewed: bool,
) -> None:
    if subtitles is not None and not timeline:
        raise UserError("--subtitles shows the segments of --timeline; give both")
    if not timeline:
        return
    if viewed:
        raise UserError("--timeline cannot be combined with --crops or --clips")
    if (subtitles or overlay) and (len(videos) != 1):
        raise UserError("--subtitles and --overlay of a --timeline are for one VIDEO; name one")
    if subtitles is not None:
        from pan_keras.inference.timeline_files import check_subtitles

        check_subtitles(subtitles)
    if overlay is not None and overlay.suffix.lower() != ".mp4":
        raise UserError(f"{overlay}: name a file that ends in .mp4")


def _print_timelines(
    run: Path,
    videos: tuple[Path, ...],
    as_json: bool,
    table: Path | None,
    subtitles: Path | None,
    overlay: Path | None,
    **options: Any,
) -> None:
    """Prints the timeline of each video, and writes what was asked for."""
    from pan_keras.inference.opening import open_classifier
    from pan_keras.inference.prediction import video_files
    from pan_keras.inference.timeline_files import (
        timeline_json,
        timeline_text,
        write_subtitles,
        write_timelines,
    )
    from pan_keras.inference.timelines import timeline

    classifier = open_classifier(run, **options)
    found, files = [], video_files(videos)
    for video in files:
        try:
            found.append(timeline(classifier, video))
        except UserError as error:
            if len(files) == 1:
                raise
            tell(f"{displayed(video)}: skipped ({error})")
            continue
        echo(timeline_json(found[-1]) if as_json else timeline_text(found[-1]))
    if table is not None:
        write_timelines(table, found)
    if subtitles is not None:
        write_subtitles(subtitles, found[0].segments())
    if overlay is not None:
        from pan_keras.reports.timeline_overlay import draw_timeline

        draw_timeline(found[0], overlay)
    if not found:
        sys.exit(2)


def _print_live(run: Path, source: str, as_json: bool, **options: Any) -> None:
    """Prints the answers about a camera or stream until it ends or Ctrl-C is pressed."""
    from pan_keras.inference import predict_live

    try:
        for answer in predict_live(run, source, tell=tell, **options):
            echo(answer.to_json() if as_json else answer.to_text())
    except KeyboardInterrupt:
        tell("stopped")
