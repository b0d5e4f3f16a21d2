"""What to export, by what data to calibrate, and what to hold the result against."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pan_keras import shipped
from pan_keras.config.config import read_toml
from pan_keras.config.settings import assemble
from pan_keras.deploy.artefact import PRECISIONS
from pan_keras.errors import UserError

DEFAULT = "default"


@dataclass(frozen=True)
class ExportSection:
    """Which files the bundle holds.

    Args:
        formats: `tflite` and `onnx`.
        precisions: `float32`, `float16`, `dynamic` and `int8`; each format takes those that it
            has, ONNX `float32` and `int8`.
        streaming: Whether each is there a second time, taking a video segment by segment.
        with_motion: Whether the PA maps are a second output.
        dynamic_batch: Whether the ONNX files take several clips a call.
        evaluate: Part of the data on which the accuracy of every file is measured; by default the
            test part of a run that knows its data.
    """

    formats: tuple[Literal["tflite", "onnx"], ...] = ("tflite",)
    precisions: tuple[Literal["float32", "float16", "dynamic", "int8"], ...] = ("float32", "int8")
    streaming: bool = False
    with_motion: bool = False
    dynamic_batch: bool = False
    evaluate: Literal["train", "val", "test", "all", "none"] = "test"


@dataclass(frozen=True)
class CalibrationSection:
    """By which clips the ranges of int8 are found.

    Args:
        data: Card, folder or CSV; by default the data of the run.
        root: Folder of the videos that a card names.
        clips: Training clips that are looked at, drawn over all classes.
        seed: Seed of the draw.
    """

    data: str = ""
    root: str = ""
    clips: int = 128
    seed: int = 0


@dataclass(frozen=True)
class CheckSection:
    """What is run to compare with the Keras model.

    Args:
        clips: Real clips, of the validation part where there is one; at least 32.
        threads: Threads when the time of a call is measured.
    """

    clips: int = 32
    threads: int = 2


@dataclass(frozen=True)
class Limits:
    """What one precision may lose against the Keras model.

    Args:
        difference: Largest difference of a logit.
        cosine: Least cosine between the logits of a clip.
        agreement: Least share of clips with the same most probable class.
        drop: Most that may be lost of the top-1 accuracy, in points of a hundred.
    """

    difference: float = math.inf
    cosine: float = -1.0
    agreement: float = 0.0
    drop: float = 100.0


@dataclass(frozen=True)
class Recipe:
    """All that decides an export, in sections; `load_recipe` makes it.

    Example:
        >>> recipe = load_recipe(overrides={"export": {"precisions": ["int8"]}})
        >>> recipe.export.precisions, recipe.int8.drop
        (('int8',), 1.0)
    """

    export: ExportSection = field(default_factory=ExportSection)
    calibration: CalibrationSection = field(default_factory=CalibrationSection)
    check: CheckSection = field(default_factory=CheckSection)
    float32: Limits = field(default_factory=Limits)
    float16: Limits = field(default_factory=Limits)
    dynamic: Limits = field(default_factory=Limits)
    int8: Limits = field(default_factory=Limits)

    def __post_init__(self):
        for key, values in (
            ("export.formats", self.export.formats),
            ("export.precisions", self.export.precisions),
        ):
            if not values or len(set(values)) != len(values):
                raise UserError(f"{key} is {list(values)}; name at least one, each once")
        if self.check.clips < 32:
            raise UserError(f"check.clips is {self.check.clips}; it must be at least 32")
        for key, value in (
            ("calibration.clips", self.calibration.clips),
            ("check.threads", self.check.threads),
        ):
            if value < 1:
                raise UserError(f"{key} is {value}; it must be at least 1")
        if self.calibration.seed < 0:
            raise UserError(f"calibration.seed is {self.calibration.seed}; it must be 0 or more")
        for precision in PRECISIONS:
            drop = self.limits(precision).drop
            if not drop >= 0:
                raise UserError(f"{precision}.drop is {drop:g}; it must be 0 or more")

    def limits(self, precision: str) -> Limits:
        """The limits of a precision."""
        return getattr(self, precision)


def recipes() -> list[str]:
    """Names of the recipes that ship with the package."""
    return sorted(path.stem for path in shipped.folder("export/recipes").glob("*.toml"))


def load_recipe(
    name: str | Path = DEFAULT, overrides: Mapping[str, Mapping[str, Any]] | None = None
) -> Recipe:
    """Puts a recipe together: the shipped `default`, then a named one or a file, then overrides.

    Args:
        name: Name of a shipped recipe, or a TOML file.
        overrides: Values by section and key, which win.

    Raises:
        UserError: If there is no such recipe, a key is unknown, or a value cannot be.
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
