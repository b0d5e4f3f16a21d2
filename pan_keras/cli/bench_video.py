"""`pan-keras bench video`: the command line of `pan_keras.bench.video`."""

from pathlib import Path

import click

from pan_keras.cli.bench_output import show
from pan_keras.cli.options import (
    json_option,
    methods_option,
    segments_option,
    size_option,
    threads_option,
)
from pan_keras.cli.output import echo, tell


@click.command("video")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--backbone", default="mobilenetv2", show_default=True, help="Backbone of all networks."
)
@segments_option
@click.option(
    "--stack",
    default=4,
    type=click.IntRange(min=2),
    show_default=True,
    help="Adjacent frames per segment, m.",
)
@size_option
@methods_option
@click.option(
    "--precision",
    "precisions",
    default=("float32", "int8"),
    multiple=True,
    show_default=True,
    help="float32 or int8; may be repeated.",
)
@threads_option
@click.option("--quick", is_flag=True, help="Few rounds.")
@json_option
@click.pass_context
def video(context: click.Context, files: tuple[Path, ...], as_json: bool, **options):
    """Measure the whole pipeline from a video FILE to a label, in LiteRT.

    The networks are PAN_Lite, PAN_Full, RGB with temporal shift, and two-stream networks on TV-L1,
    Farneback and DIS, all with the same backbone and random weights, which do not affect speed. The
    time is split into decoding, motion and network. Ctrl-C and SIGTERM print the results so far.
    """
    from pan_keras.bench.video import measure_video, sentences

    results = measure_video(files, progress=tell, **options)
    if not as_json:
        for sentence in sentences(results):
            echo(sentence)
    show(context, results, as_json)
