"""`pan-keras bench`: the command line of `pan_keras.bench`."""

import click

from pan_keras.cli.quiet import TensorFlowCommand

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
    """Time a training step and its parts, on random frames."""
    from pan_keras.bench.train_step import measure_train_step  # TensorFlow takes seconds to import

    result = measure_train_step(model, **options)
    click.echo(result.to_json() if as_json else result.to_text())
