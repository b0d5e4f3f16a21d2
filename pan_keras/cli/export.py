"""`pan-keras export`: the command line of `pan_keras.deploy.export`."""

import json
from pathlib import Path
from typing import Any

import click

from pan_keras.cli.options import json_option
from pan_keras.cli.output import TensorFlowCommand, echo, tell
from pan_keras.errors import UserError
from pan_keras.remote.addresses import displayed

PRECISIONS = ("float32", "float16", "dynamic", "int8")


@click.command(cls=TensorFlowCommand)
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--tflite", is_flag=True, help="Write TFLite files; the default.")
@click.option("--onnx", is_flag=True, help="Write ONNX files.")
@click.option(
    "--precision",
    metavar="LIST",
    help="List of float32,float16,dynamic,int8; by default the recipe's, float32,int8.",
)
@click.option(
    "--streaming",
    is_flag=True,
    help="Also write streaming models, which take one segment per call.",
)
@click.option("--with-motion", is_flag=True, help="Add the motion maps (PA) as an output.")
@click.option("--dynamic-batch", is_flag=True, help="Let ONNX files take several clips per call.")
@click.option("--recipe", help="Name of a shipped recipe or a TOML file.")
@click.option(
    "--calibration",
    metavar="DATA",
    help="Card, folder or CSV to calibrate with instead of the run's data.",
)
@click.option(
    "--root", type=click.Path(path_type=Path), help="Folder of the videos of --calibration's card."
)
@click.option(
    "--evaluate",
    type=click.Choice(["train", "val", "test", "all", "none"]),
    help="Split of the run's data to evaluate every file on; by default the recipe's, test.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the bundle, or an address, s3://bucket/waves; by default `bundle` in the run.",
)
@json_option
def export(
    run: Path | None,
    recipe: str | None,
    calibration: str | None,
    output: Path | None,
    as_json: bool,
    **flags: Any,
):
    """Turn RUN into a bundle for devices: a run folder, a .keras file, or the latest run.

    Every file is checked against the Keras model first; if a check fails, nothing is written.
    """
    overrides = sections(**flags)
    from pan_keras.bundle.description import summary
    from pan_keras.deploy import export as export_model  # TensorFlow takes seconds to import

    bundle = export_model(
        run,
        recipe,
        calibration,
        output=output,
        overrides=overrides,
        tell=tell,
    )
    where = str(bundle.path) if output is None else displayed(output)
    if as_json:
        echo(json.dumps({"bundle": where, **bundle.facts}))
        return
    echo(summary(bundle))
    echo(f"next: pan-keras predict {where} VIDEO")


def sections(
    tflite: bool,
    onnx: bool,
    precision: str | None,
    evaluate: str | None,
    root: Path | None,
    **switches: bool,
) -> dict[str, dict[str, Any]]:
    """Returns the recipe sections that the flags set, without the flags not given."""
    values: dict[str, Any] = {name: True for name, given in switches.items() if given}
    formats = ["tflite"] * tflite + ["onnx"] * onnx
    if formats:
        values["formats"] = formats
    if precision is not None:
        values["precisions"] = precision_list(precision)
    if evaluate is not None:
        values["evaluate"] = evaluate
    return {"export": values, "calibration": {"root": str(root)} if root else {}}


def precision_list(text: str) -> list[str]:
    """Parses the value of `--precision`, such as `float32,int8`."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in PRECISIONS]
    if unknown:
        raise UserError(f"--precision {text}: {unknown[0]!r} is not one of {', '.join(PRECISIONS)}")
    return names
