"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pan_keras.errors import UserError

COUNT = click.IntRange(min=1)

root_option = click.option(
    "--root", type=click.Path(path_type=Path), help="Folder of the videos of a data set card."
)
fold_option = click.option(
    "--fold",
    type=int,
    help="Official fold of a data set with folds, such as ucf101; by default the first.",
)
max_broken_option = click.option(
    "--max-broken",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Fraction of clips that may be broken.",
)
overrides_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set one value of the configuration; may be repeated.",
)
segments_option = click.option(
    "--segments", type=COUNT, default=8, show_default=True, help="Segments per clip, N."
)
size_option = click.option(
    "--size", type=COUNT, default=224, show_default=True, help="Height and width in pixels."
)
methods_option = click.option(
    "--method", "methods", multiple=True, help="Only this method; may be repeated."
)
threads_option = click.option(
    "--threads", type=COUNT, default=2, show_default=True, help="Threads per call."
)
crops_option = click.option(
    "--crops",
    type=click.Choice(["1", "3", "full"]),
    default="1",
    show_default=True,
    help="Views in space: the centre, three crops, or the whole frame.",
)
clips_option = click.option(
    "--clips",
    type=click.Choice(["1", "2", "10"]),
    default="1",
    show_default=True,
    help="Views in time of each video.",
)
fuse_option = click.option(
    "--fuse",
    type=click.Choice(["logits", "probabilities"]),
    default="logits",
    show_default=True,
    help="What is averaged over views and runs.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["float32", "float16", "dynamic", "int8"]),
    help="Precision of the model file, for a bundle.",
)
format_option = click.option(
    "--format",
    "file_format",
    type=click.Choice(["tflite", "onnx"]),
    help="Format of the model file, for a bundle.",
)
batch_option = click.option(
    "--batch", type=COUNT, default=8, show_default=True, help="Views per step."
)
split_option = click.option(
    "--split",
    type=click.Choice(["train", "val", "test", "all"]),
    default="test",
    show_default=True,
    help="Split to evaluate on.",
)


def json_option_for(content: str) -> Callable[[Any], Any]:
    """Makes the option `--json` of a command that prints other JSON than one object.

    Args:
        content: What the command prints, such as `one JSON list`.
    """
    text = f"Print {content} and nothing else."
    return click.option("--json", "as_json", is_flag=True, help=text)


json_option = json_option_for("one JSON object")


def numbers(text: str) -> list[float]:
    """Parses the value of `--weights`, such as `0.5,0.5`."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"--weights {text}: write numbers with commas, such as 0.5,0.5") from None
