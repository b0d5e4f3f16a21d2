"""`pan-keras bench train-step`: the command line of `pan_keras.bench.train_step`."""

import click

from pan_keras.cli.bench_output import show
from pan_keras.cli.options import COUNT, json_option, segments_option
from pan_keras.cli.output import tell


@click.command("train-step")
@click.option("--model", default="pan_lite_resnet18", show_default=True, help="Registry name.")
@segments_option
@click.option(
    "--stack", default=4, type=COUNT, show_default=True, help="Adjacent frames per segment, m."
)
@click.option(
    "--size", default=112, type=COUNT, show_default=True, help="Height and width in pixels."
)
@click.option(
    "--batch",
    "batches",
    default=(8,),
    type=COUNT,
    multiple=True,
    show_default=True,
    help="Clips per step; may be repeated.",
)
@click.option(
    "--precision",
    "precisions",
    default=("float32",),
    multiple=True,
    show_default=True,
    help="float32, mixed_float16 or mixed_bfloat16; may be repeated.",
)
@click.option(
    "--threads", default=2, type=COUNT, show_default=True, help="Threads that TensorFlow may use."
)
@click.option("--parts", is_flag=True, help="Also time the parts of a step separately.")
@click.option("--quick", is_flag=True, help="Few rounds.")
@json_option
@click.pass_context
def train_step(context: click.Context, model: str, as_json: bool, **options):
    """Measure clips per second and peak memory of a training step on random frames.

    Each batch size and precision runs in a process of its own, in interleaved rounds. Ctrl-C and
    SIGTERM print the results so far.
    """
    from pan_keras.bench.train_step import measure_train_step

    show(context, measure_train_step(model, progress=tell, **options), as_json)
