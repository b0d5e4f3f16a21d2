"""The input of a configuration's model: clip shape, motion field, preprocessing."""

from pathlib import Path
from typing import Any, cast

from pan_keras.clips import ClipShape
from pan_keras.clips.clip_shape import FIELDS, MotionField
from pan_keras.config import Config

LAYOUT = "uint8 (batch, segments, stack, height, width, RGB)"
FIELD_LAYOUT = "uint8 (batch, segments, stack - 1, height, width, across and down)"


def clip_shape(config: Config) -> ClipShape:
    """Shape of the clips that the model of a configuration takes."""
    model = config.model
    return ClipShape(
        model.segments,
        model.stack,
        model.size,
        model.resize,
        model.fit,
        model.resizing,
        motion_field(config),
    )


def motion_field(config: Config) -> MotionField | None:
    """The motion field that the model of a configuration takes; None if it takes frames."""
    cue = config.data.cue
    return None if cue is None or cue not in FIELDS else cast(MotionField, cue)


def cue_folder(run: Path, config: Config) -> Path:
    """The folder of a run's motion fields."""
    folder = config.data.cue_folder
    return Path(folder).expanduser() if folder else run / "cache"


def preprocessing(config: Config) -> dict[str, Any]:
    """Preprocessing before the model; normalisation is part of the model."""
    model, augmentation = config.model, config.augmentation
    field = motion_field(config)
    fields = {"layout": FIELD_LAYOUT, "field": field} if field else {}
    return {
        "segments": model.segments,
        "stack": model.stack,
        "size": list(model.size),
        "resize": model.resize,
        "resizing": model.resizing,
        "fit": model.fit,
        "crop": "centre",
        "sampling": augmentation.sampling,
        "layout": LAYOUT,
        **fields,
    }
