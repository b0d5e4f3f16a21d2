"""Export recipes: formats, calibration data and limits."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt

from pan_keras import shipped
from pan_keras.config.section import Kind, Text, section
from pan_keras.config.tables import assemble, read_toml
from pan_keras.errors import UserError

DEFAULT = "default"
_Choice = TypeVar("_Choice")


def _each_once(choices: tuple[_Choice, ...]) -> tuple[_Choice, ...]:
    if not choices or len(set(choices)) != len(choices):
        raise ValueError(choices)
    return choices


@section
@dataclass(frozen=True)
class ExportSection:
    """Files of the bundle.

    Args:
        formats: `tflite` and `onnx`.
        precisions: `float32`, `float16`, `dynamic` and `int8`; each format uses those it supports,
            which for ONNX are `float32` and `int8`.
        streaming: Whether each file is accompanied by a streaming model, which takes a video
            segment by segment.
        with_motion: Whether the PA maps are a second output.
        dynamic_batch: Whether the ONNX files take several clips per call.
        evaluate: Split on which the accuracy of every file is measured, if the run's data are
            known.
    """

    formats: Annotated[
        tuple[Literal["tflite", "onnx"], ...],
        Kind("a list of tflite, onnx; name at least one, each once"),
        AfterValidator(_each_once),
    ] = ("tflite",)
    precisions: Annotated[
        tuple[Literal["float32", "float16", "dynamic", "int8"], ...],
        Kind("a list of float32, float16, dynamic, int8; name at least one, each once"),
        AfterValidator(_each_once),
    ] = ("float32", "int8")
    streaming: StrictBool = False
    with_motion: StrictBool = False
    dynamic_batch: StrictBool = False
    evaluate: Literal["train", "val", "test", "all", "none"] = "test"


@section
@dataclass(frozen=True)
class CalibrationSection:
    """Clips for calibrating int8.

    Args:
        data: Card, folder or CSV; by default the data of the run.
        root: Folder of a card's videos.
        clips: Number of training clips, drawn over all classes.
        seed: Seed of the draw.
    """

    data: Text = ""
    root: Text = ""
    clips: Annotated[StrictInt, Field(ge=1)] = 128
    seed: Annotated[StrictInt, Field(ge=0)] = 0


@section
@dataclass(frozen=True)
class CheckSection:
    """Comparison with the Keras model.

    Args:
        clips: Number of real clips, from the validation split if there is one; at least 32.
        threads: Threads for measuring the time per call.
    """

    clips: Annotated[StrictInt, Field(ge=32)] = 32
    threads: Annotated[StrictInt, Field(ge=1)] = 2


@section
@dataclass(frozen=True)
class Limits:
    """Limits of one precision, compared with the Keras model.

    Args:
        difference: Largest difference of a logit.
        cosine: Least cosine between the logits of a clip.
        agreement: Least share of clips with the same most probable class.
        drop: Largest loss of top-1 accuracy, in percentage points.
    """

    difference: Annotated[StrictFloat, Field(ge=0)] = math.inf
    cosine: Annotated[StrictFloat, Field(ge=-1, le=1)] = -1.0
    agreement: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.0
    drop: Annotated[StrictFloat, Field(ge=0)] = 100.0


@section
@dataclass(frozen=True)
class Recipe:
    """The complete configuration of an export, in sections; `load_recipe` makes it.

    Args:
        export: Files of the bundle.
        calibration: Clips for calibrating int8.
        check: Comparison with the Keras model.
        float32: Limits of float32, compared with the Keras model.
        float16: The same for float16.
        dynamic: The same for int8 weights with activations in float.
        int8: The same for int8.

    Example:
        >>> recipe = load_recipe(overrides={"export": {"precisions": ["int8"]}})
        >>> recipe.export.precisions, recipe.limits("int8").drop
        (('int8',), 1.0)
    """

    export: ExportSection = field(default_factory=ExportSection)
    calibration: CalibrationSection = field(default_factory=CalibrationSection)
    check: CheckSection = field(default_factory=CheckSection)
    float32: Limits = field(default_factory=Limits)
    float16: Limits = field(default_factory=Limits)
    dynamic: Limits = field(default_factory=Limits)
    int8: Limits = field(default_factory=Limits)

    def limits(self, precision: str) -> Limits:
        """Returns the limits of a precision.

        Args:
            precision: `"float32"`, `"float16"`, `"dynamic"` or `"int8"`.

        Returns:
            The limits for files of that precision.
        """
        return getattr(self, precision)


def recipes() -> list[str]:
    """Lists the names of the shipped recipes."""
    return sorted(path.stem for path in shipped.folder("export/recipes").glob("*.toml"))


def load_recipe(
    name: str | Path = DEFAULT, overrides: Mapping[str, Mapping[str, Any]] | None = None
) -> Recipe:
    """Merges the shipped `default`, a named recipe or a file, and overrides into a recipe.

    Args:
        name: Name of a shipped recipe, or a TOML file.
        overrides: Values by section and key, which take precedence.

    Returns:
        The recipe.

    Raises:
        UserError: If there is no such recipe, a key is unknown, or a value is invalid.

    Example:
        >>> load_recipe("default").export.precisions
        ('float32', 'int8')
    """
    folder = shipped.folder("export/recipes")
    layers: list[tuple[str, Mapping[str, Any]]] = [
        ("recipe default", read_toml(folder / f"{DEFAULT}.toml"))
    ]
    if str(name) in recipes():
        layers.append((f"recipe {name}", read_toml(folder / f"{name}.toml")))
    elif Path(name).is_file():
        layers.append((str(name), read_toml(Path(name))))
    else:
        raise UserError(
            f"recipe {name}: no such file or recipe; the recipes are {', '.join(recipes())}"
        )
    return assemble(Recipe, [*layers, ("the command", overrides or {})])
