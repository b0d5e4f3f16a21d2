"""`pan-keras bench`: the command line of `pan_keras.bench`."""

import click

from pan_keras.cli.output import TensorFlowCommand, echo

COUNT = click.IntRange(min=1)


@click.group()
def bench():
    """Measure how fast models are on this machine."""


@bench.command("train-step", cls=TensorFlowCommand)
@click.option("--model", default="pan_lite_resnet18", show_default=True, help="Registry name.")
@click.option("--segments", default=8, type=COUNT, show_default=True, help="Segments per clip, N.")
@click.option(
    "--stack", default=4, type=COUNT, show_default=True, help="Adjacent frames per segment, m."
)
@click.option(
    "--size", default=112, type=COUNT, show_default=True, help="Height and width in pixels."
)
@click.option("--batch", default=8, type=COUNT, show_default=True, help="Clips per step.")
@click.option(
    "--threads", default=2, type=COUNT, show_default=True, help="Threads that TensorFlow may use."
)
@click.option(
    "--steps",
    default=10,
    type=COUNT,
    show_default=True,
    help="Steps to time, after two to warm up.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def train_step(model: str, as_json: bool, **options: int):
    """Time a training step and its parts on random frames."""
    from pan_keras.bench.train_step import measure_train_step  # TensorFlow takes seconds to import

    result = measure_train_step(model, **options)
    echo(result.to_json() if as_json else result.to_text())


@bench.command("model", cls=TensorFlowCommand)
@click.argument("names", nargs=-1, required=True, metavar="NAME|RUN...")
@click.option(
    "--segments", default=8, type=COUNT, show_default=True, help="Segments per clip of a NAME, N."
)
@click.option(
    "--stack", default=4, type=COUNT, show_default=True, help="Frames per segment of a NAME, m."
)
@click.option(
    "--size",
    default=224,
    type=COUNT,
    show_default=True,
    help="Height and width of a NAME in pixels.",
)
@click.option(
    "--streaming", is_flag=True, help="Also time a streaming step; a RUN needs a causal shift."
)
@click.option("--parts", is_flag=True, help="Also time the parts of the model.")
@click.option("--threads", default=2, type=COUNT, show_default=True, help="Threads per call.")
@click.option("--steps", default=10, type=COUNT, show_default=True, help="Timed calls per model.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per model and nothing else."
)
def model(names: tuple[str, ...], as_json: bool, **options):
    """Time exported models on random frames: TFLite and ONNX, float32 and int8.

    NAME is a registry name, such as pan_lite_mobilenetv2; RUN a run folder. The graph as trained is
    timed next to the exported one.
    """
    from pan_keras.bench.deployed import measure_deployed  # TensorFlow takes seconds to import

    for name in names:
        result = measure_deployed(name, **options)
        echo(result.to_json() if as_json else result.to_text())
