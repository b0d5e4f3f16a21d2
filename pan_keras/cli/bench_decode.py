"""`pan-keras bench decode`: the command line of `pan_keras.bench.decode`."""

from pathlib import Path

import click

from pan_keras.cli.bench_output import show
from pan_keras.cli.options import COUNT, json_option, segments_option
from pan_keras.cli.output import tell


@click.command("decode")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE...]")
@segments_option
@click.option("--stack", default=4, type=COUNT, show_default=True, help="Frames per segment, m.")
@click.option("--reader", "readers", multiple=True, help="Only this reader; may be repeated.")
@click.option(
    "--codec",
    "codecs",
    multiple=True,
    help="Only clips of this codec, if no FILE is given; may be repeated.",
)
@click.option("--threads", default=1, type=COUNT, show_default=True, help="Threads per reader.")
@click.option(
    "--short-side",
    default=0,
    type=click.IntRange(0, 8192),
    help="Scale a longer shorter side to this length, as for training.  [default: full size]",
)
@click.option("--quick", is_flag=True, help="Two small clips and few rounds: a minute.")
@json_option
@click.pass_context
def decode(context: click.Context, files: tuple[Path, ...], as_json: bool, **options):
    """Measure how fast pan-keras, OpenCV, torchcodec and decord read video files.

    The time is that of one clip: N stacks of m frames in RGB. The rows shard_jpeg and shard_h264
    read the clip from shards, as `pan-keras dataset shard` makes them. Without a FILE, clips
    of several codecs and sizes are made in a temporary folder. Readers that are not installed are
    listed and skipped. Ctrl-C and SIGTERM print the results so far.
    """
    from pan_keras.bench.decode import measure_decode

    show(context, measure_decode(files, progress=tell, **options), as_json)
