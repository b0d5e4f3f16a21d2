"""`pan-keras combine`: the command line of `pan_keras.runs.combining.combine`."""

from pathlib import Path

import click

from pan_keras.cli.options import fuse_option, numbers
from pan_keras.cli.output import TensorFlowCommand, echo


@click.command(cls=TensorFlowCommand)
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN [RUN]"
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Run folder to write.",
)
@click.option(
    "--weights",
    default="paper",
    show_default=True,
    help="`paper` (Lite 1/2, RGB and PA 1/4; RGB and PA alone 1/2), `reference` (all equal), or "
    "one number per RUN, such as 2,1,1.",
)
@fuse_option
def combine(runs: tuple[Path, ...], output: Path, weights: str, fuse: str) -> None:
    """Combine separately trained networks into one run.

    RGB and PA networks make PAN_Full; PAN_Lite with both, or with a PAN_Full, makes PAN_En.
    """
    from pan_keras.runs.combining import combine  # TensorFlow takes seconds to import

    named = weights.isalpha()
    made = combine(runs, output, weights=weights if named else numbers(weights), fuse=fuse)
    echo(f"{made.path}: {made.config.model.name}")
    echo(f"next: pan-keras evaluate {made.path}")
