"""Options that several commands share."""

import click

from pan_keras.errors import UserError

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
    help="Which model file of a bundle.",
)
format_option = click.option(
    "--format",
    "file_format",
    type=click.Choice(["tflite", "onnx"]),
    help="Which model file of a bundle.",
)
batch_option = click.option(
    "--batch", type=click.IntRange(1), default=8, show_default=True, help="Views per step."
)
split_option = click.option(
    "--split",
    type=click.Choice(["train", "val", "test", "all"]),
    default="test",
    show_default=True,
    help="Split to evaluate on.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


def numbers(text: str) -> list[float]:
    """Parses the value of `--weights`, such as `0.5,0.5`."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"--weights {text}: write numbers with commas, such as 0.5,0.5") from None
