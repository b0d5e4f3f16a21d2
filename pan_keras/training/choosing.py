"""Chooses, from the data, the training settings that the user left open."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from pan_keras.checkpoints import can_start_from_imagenet, imagenet_file
from pan_keras.checkpoints.applications import application_of
from pan_keras.config.config import FRESH
from pan_keras.config.section import shown
from pan_keras.data import VideoData, mirror_doubt
from pan_keras.errors import UserError
from pan_keras.runs.network import IMAGENET
from pan_keras.runs.run import open_run

Preset = Literal["fast", "balanced", "accurate"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
Tables = Mapping[str, Mapping[str, Any]]

PHONE = "mobilenetv2"
SMALLEST = "micro"
# Area of a frame in pixels: 96 x 128 for networks on phones, 72 x 96 for the smallest.
AREA = {SMALLEST: 72 * 96}
USUAL_AREA = 96 * 128
AREA_OF_PRESET = {"fast": 0.6, "balanced": 1.0, "accurate": 1.75}
EPOCHS_OF_PRESET = {"fast": 0.4, "balanced": 1.0, "accurate": 1.5}
# Number of steps and range of epochs, from random weights and from pretrained ones.
FRESH_STEPS, FRESH_EPOCHS = 2600, (20, 120)
STARTED_STEPS, STARTED_EPOCHS = 900, (12, 60)
MARGIN = 9 / 8  # side of the resized frame over that of the crop
ASPECTS_DIFFER = 1.15  # ratio of the 95th to the 5th percentile of width / height
MANY_CLIPS = 2000  # training clips from which weak augmentation and large batches suffice
VERY_MANY_CLIPS = 5000  # training clips from which MobileNetV2 trains from random weights
LONG_CLIP = 12.0  # seconds
FAST_RATE = 40.0  # frames per second
ENOUGH_TO_STOP = 200  # validation clips: an interval of 0.1 or less about most accuracies
UNEVEN = 3.0  # ratio of the largest class to the smallest
# From EgoGestAR's card, chosen on held-out recorders.
STRONG = {"brightness": 0.35, "contrast": 0.6, "exposure": 0.25, "rotation": 15.0, "zoom": 0.15}
WEAK = {"brightness": 0.2, "contrast": 0.3, "exposure": 0.1, "rotation": 8.0, "zoom": 0.1}


@dataclass(frozen=True)
class Choice:
    """A setting that was chosen from the data.

    Args:
        key: The setting, such as `"model.size"`.
        value: Its value.
        why: The reason, as part of a sentence.

    Example:
        >>> Choice("training.mixup", 0.4, "48 training clips are few").to_text()
        'training.mixup = 0.4: 48 training clips are few'
        >>> Choice("training.mixup", 0.4, "48 training clips are few").to_json()["value"]
        0.4
    """

    key: str
    value: Any
    why: str

    def to_text(self) -> str:
        """Returns the choice as one line of text.

        Returns:
            The line.
        """
        return f"{self.key} = {shown(self.value)}: {self.why}"

    def to_json(self) -> dict[str, Any]:
        """Returns the choice as a JSON object.

        Returns:
            Key, value and reason.
        """
        return {"key": self.key, "value": self.value, "why": self.why}


def as_tables(choices: Sequence[Choice]) -> dict[str, dict[str, Any]]:
    """Returns the values of choices by section and key."""
    tables: dict[str, dict[str, Any]] = {}
    for choice in choices:
        section, _, name = choice.key.partition(".")
        tables.setdefault(section, {})[name] = choice.value
    return tables


def check_preset(preset: str) -> None:
    """Raises UserError if there is no such preset."""
    if preset not in PRESETS:
        raise UserError(f"preset: there is no {preset!r}; the presets are {', '.join(PRESETS)}")


def choose_settings(
    data: VideoData,
    preset: Preset = "balanced",
    given: Tables | None = None,
    *,
    can_start: Callable[[str], bool] = can_start_from_imagenet,
) -> tuple[Choice, ...]:
    """Chooses settings from the number, classes, sizes, frame rates and lengths of clips.

    Settings of the user are kept, and the choices take them into account.

    Args:
        data: The opened data, of which training clips are used.
        preset: `"fast"`, `"balanced"` or `"accurate"`.
        given: Settings of the user, by section and key.
        can_start: Whether ImageNet weights are available for a backbone.

    Returns:
        The choices, each with its reason.

    Raises:
        UserError: If there is no such preset, or the run to start from cannot be read.

    Example:
        >>> choices = choose_settings(open_data("videos"), can_start=lambda backbone: False)
        >>> choices[0].key, choices[0].value
        ('model.name', 'pan_lite_micro')
    """
    check_preset(preset)
    choices = _Choices(given or {})
    facts = _Facts.of(data)
    started = _choose_network(choices, facts, preset, can_start)
    _choose_clip(choices, facts, preset)
    _choose_variations(choices, facts, data)
    _choose_length(choices, facts, preset, started)
    counts = Counter(clip.label for clip in data.clips("train")).values()
    if max(counts) > UNEVEN * min(counts):
        span = f"classes have {min(counts)} to {max(counts)} training clips"
        choices("training.class_weights", True, span)
    return tuple(choices.made)


class _Choices:
    """Collects choices; settings of the user take precedence."""

    def __init__(self, given: Tables):
        self.given = given
        self.made: list[Choice] = []

    def __call__(self, key: str, value: Any, why: str) -> Any:
        asked = self.asked(key)
        if asked is not None:
            return asked
        self.made.append(Choice(key, value, why))
        return value

    def asked(self, key: str) -> Any:
        """Returns the user's setting or an earlier choice, or None."""
        section, _, name = key.partition(".")
        earlier = (choice.value for choice in self.made if choice.key == key)
        return self.given.get(section, {}).get(name, next(earlier, None))


@dataclass(frozen=True)
class _Facts:
    train: int
    val: int
    frames: float  # median
    rate: float
    seconds: float
    height: float
    width: float
    aspects: tuple[float, float, float]  # 5th percentile, median, 95th

    @classmethod
    def of(cls, data: VideoData) -> "_Facts":
        clips = data.clips("train")
        infos = [data.infos[clip.path] for clip in clips]
        aspects = [info.width / info.height for info in infos]
        low, middle, high = np.percentile(aspects, (5, 50, 95))
        return cls(
            train=len(clips),
            val=len(data.clips("val")),
            frames=float(np.median([info.frames for info in infos])),
            rate=float(np.median([info.rate for info in infos])),
            seconds=float(np.median([info.frames / info.rate for info in infos])),
            height=float(np.median([info.height for info in infos])),
            width=float(np.median([info.width for info in infos])),
            aspects=(float(low), float(middle), float(high)),
        )


def _choose_network(
    choices: _Choices, facts: _Facts, preset: str, can_start: Callable[[str], bool]
) -> bool:
    """Chooses network and initial weights; returns whether the weights are pretrained."""
    source = choices.asked("model.weights")
    if source not in (None, FRESH) and Path(source).is_dir():
        start = open_run(source).config.model
        for key in ("name", "segments", "stack", "size", "resize", "fit"):
            choices(f"model.{key}", getattr(start, key), f"as in {source}, where training starts")
        return True
    phone, small = f"pan_lite_{PHONE}", f"pan_lite_{SMALLEST}"
    if source not in (None, FRESH):
        name = f"pan_lite_{_backbone_of(source)}"
        choices("model.name", name, f"a network that can start from {source}")
        return True
    if preset == "fast":
        choices("model.name", small, "the fastest network")
    elif source is None and choices.asked("model.name") is None and can_start(PHONE):
        choices("model.name", phone, "a network for phones, with pretrained weights")
    elif facts.train >= VERY_MANY_CLIPS:
        choices(
            "model.name", phone, f"{facts.train} training clips suffice without pretrained weights"
        )
    else:
        few = (
            f"{facts.train} training clips are few for a larger network without pretrained weights"
        )
        lacking = f"; put ImageNet's weights for {PHONE} at {imagenet_file(PHONE)} to start there"
        choices("model.name", small, few + ("" if source == FRESH else lacking))
    backbone = choices.asked("model.name").rpartition("_")[2]
    plain = choices.asked("model.width") in (None, 1)
    if source is None and plain and can_start(backbone):
        choices("model.weights", IMAGENET, f"there are weights of ImageNet for {backbone}")
        return True
    choices("model.weights", FRESH, f"no weights of ImageNet are at hand for {backbone}")
    return False


def _backbone_of(source: str) -> str:
    """Returns the backbone that a weights file is for, or the default for such a source."""
    found = application_of(source) if Path(source).is_file() else None
    return found or (SMALLEST if source.endswith(".keras") else PHONE)


def _choose_clip(choices: _Choices, facts: _Facts, preset: str) -> None:
    long = facts.seconds > LONG_CLIP
    clip = f"clips of {facts.frames:.0f} frames, {facts.seconds:.1f} s (median)"
    spread = "which the segments are spread over"
    choices("model.segments", 16 if long else 8, f"{clip}, {spread}")
    quick = facts.rate > FAST_RATE
    span = "motion between frames is small" if quick else "adjacent frames show the motion"
    choices("model.stack", 5 if quick else 3, f"at {facts.rate:.0f} frames per second {span}")
    low, middle, high = facts.aspects
    differ = high > ASPECTS_DIFFER * low
    backbone = choices.asked("model.name").rpartition("_")[2]
    area = AREA.get(backbone, USUAL_AREA) * AREA_OF_PRESET[preset]
    most = choices.asked("model.resize") or math.inf
    size = frame_size(middle, area, (min(facts.height, most), min(facts.width, most)))
    shape = (
        f"width / height goes from {low:.2f} to {high:.2f}"
        if differ
        else f"frames are {facts.width:.0f} x {facts.height:.0f} pixels"
    )
    asked_size = choices("model.size", size, shape)
    shorter = min(asked_size) if isinstance(asked_size, list | tuple) else asked_size
    fit = choices(
        "model.fit",
        "letterbox" if differ else "crop",
        "the whole picture is kept" if differ else "all frames have nearly the same proportions",
    )
    margin = "for evaluation at full resolution" if fit != "crop" else "an eighth of margin to crop"
    choices("model.resize", round(shorter * MARGIN), margin)


def frame_size(
    aspect: float, area: float, largest: tuple[float, float], unit: int = 8
) -> tuple[int, int]:
    """Returns a height and width of approximately an aspect ratio and area.

    Args:
        aspect: Width divided by height, clipped to 0.5 to 2.
        area: Pixels.
        largest: Height and width of the frames, as an upper limit.
        unit: Both sides are multiples of it, and at least four units.

    Example:
        >>> frame_size(4 / 3, 96 * 128, (480, 640))
        (96, 128)
    """
    aspect = min(max(aspect, 0.5), 2.0)
    height = math.sqrt(area / aspect)
    scale = min(1.0, largest[0] / height, largest[1] / (height * aspect))
    sides = (height * scale, height * aspect * scale)
    # Rounded down, with a tolerance for floating-point error.
    tall, wide = (max(4 * unit, unit * int(side / unit + 1e-6)) for side in sides)
    return tall, wide


def _choose_variations(choices: _Choices, facts: _Facts, data: VideoData) -> None:
    few = facts.train < MANY_CLIPS
    count = f"{facts.train} training clips are {'few' if few else 'many'}"
    for name, value in (STRONG if few else WEAK).items():
        choices(f"augmentation.{name}", value, count)
    choices("training.mixup", 0.4 if few else 0.2, count)
    if data.card is not None:
        allowed = "allows" if data.card.flip else "forbids"
        choices("augmentation.flip", data.card.flip, f"the card {allowed} mirror images")
        return
    doubt = mirror_doubt(data.classes)
    choices("augmentation.flip", doubt is None, doubt or "no class name mentions a side")


def _choose_length(choices: _Choices, facts: _Facts, preset: str, started: bool) -> None:
    few = facts.train < MANY_CLIPS
    count = f"{facts.train} training clips"
    batch = choices("training.batch", 8 if few else 16, count)
    steps, bounds = (STARTED_STEPS, STARTED_EPOCHS) if started else (FRESH_STEPS, FRESH_EPOCHS)
    factor = EPOCHS_OF_PRESET[preset]
    least, most = (max(1, round(bound * factor)) for bound in bounds)
    epochs = round(steps * factor / max(1, math.ceil(facts.train / batch)))
    start = "pretrained weights" if started else "random weights"
    choices("training.epochs", min(max(epochs, least), most), f"{count}, {start}")
    small = choices.asked("model.name").rpartition("_")[2] == SMALLEST
    rate = 5e-4 if started else 2e-3 if small else 1e-3
    choices("training.learning_rate", rate, start)
    if choices.asked("training.epochs") >= 30 and facts.val >= ENOUGH_TO_STOP:
        tells = f"{facts.val} validation clips can tell when to stop"
        choices("training.patience", 15, tells)
    else:
        why = f"{facts.val} validation clips cannot tell when to stop"
        choices("training.patience", 0, why if facts.val < ENOUGH_TO_STOP else "a short training")
