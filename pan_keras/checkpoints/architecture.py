"""What network a checkpoint is of, read from the names and shapes of its tensors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pan_keras import backbones, models
from pan_keras.backbones import ResNet
from pan_keras.checkpoints.branches import NETWORKS
from pan_keras.checkpoints.checkpoint_error import CheckpointError
from pan_keras.checkpoints.weights import BACKBONE, SHIFTED
from pan_keras.models import VideoNetwork

SEGMENTS = 8  # of the authors' models
# Channels of the stem in the authors' models, which all have m = 4: PA, and PAN_Lite.
USUAL_STEMS = (3, 6)
STANDARD = {"widths": (64, 128, 256, 512), "stem_width": 64, "stem_kernel": 7}
RESNETS: dict[str, dict[str, Any]] = {
    "resnet18": {"block": "basic", "blocks": (2, 2, 2, 2), **STANDARD},
    "resnet34": {"block": "basic", "blocks": (3, 4, 6, 3), **STANDARD},
    "resnet50": {"block": "bottleneck", "blocks": (3, 4, 6, 3), **STANDARD},
    "resnet101": {"block": "bottleneck", "blocks": (3, 4, 23, 3), **STANDARD},
    "micro": {
        "block": "basic",
        "blocks": (1, 1, 1),
        "widths": (24, 48, 96),
        "stem_width": 16,
        "stem_kernel": 5,
    },
}


@dataclass(frozen=True)
class Architecture:
    """A network of one branch, as far as a checkpoint tells.

    Args:
        modality: `"lite"`, `"pa"` or `"rgb"`.
        backbone: Registered name of the backbone; `"resnet"` for a ResNet without one.
        options: What the backbone is made with, besides channels and segments.
        shift: Whether the backbone carries the temporal shift.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        classes: Number of classes.
        aggregation: `"vap"` or `"average"`.
        expansion: Expansion ratio of VAP.
        assumed: What the checkpoint leaves open, and what was taken, in sentences.
    """

    modality: str
    backbone: str
    options: dict[str, Any]
    shift: bool
    segments: int
    stack: int
    classes: int
    aggregation: str
    expansion: int
    assumed: tuple[str, ...]

    @property
    def family(self) -> str:
        """Family of the registered models that it belongs to."""
        still = "tsm" if self.shift else "tsn"
        return {"lite": "pan_lite", "pa": "pa", "rgb": still}[self.modality]

    @property
    def name(self) -> str:
        """Its registered name, or what that would be if its backbone were registered."""
        return f"{self.family}_{self.backbone}"

    @property
    def settings(self) -> dict[str, Any]:
        """What must be said besides the name to make it: `shift`, `aggregation`, `width`."""
        averages = self.modality == "rgb"
        settings: dict[str, Any] = {}
        if not averages and not self.shift:
            settings["shift"] = False
        if (self.aggregation == "average") != averages:
            settings["aggregation"] = self.aggregation
        if self.options.get("width", 1) != 1:
            settings["width"] = self.options["width"]
        return settings

    def build(self, size: int | tuple[int, int], name: str) -> VideoNetwork:
        """The network with fresh weights.

        Args:
            size: Height and width of the frames.
            name: Of the model.

        Raises:
            CheckpointError: If there is no such network.
        """
        network = NETWORKS[self.modality]
        common: dict[str, Any] = {
            "channels": network.cue_channels(self.stack),
            "segments": self.segments if self.shift else None,
        }
        try:
            if self.backbone in backbones.names():
                own = {} if self.backbone in RESNETS else self.options
                backbone = backbones.create(self.backbone, **common, **own)
            else:
                backbone = ResNet(**self.options, **common, name=self.backbone)
            return network(
                classes=self.classes,
                backbone=backbone,
                segments=self.segments,
                stack=self.stack,
                size=size,
                aggregation=self.aggregation,
                expansion=self.expansion,
                name=name,
            )
        except ValueError as error:
            raise CheckpointError(f"its tensors make no network: {error}") from None


def detect(
    state: Mapping[str, np.ndarray], segments: int | None = None, name: str | None = None
) -> Architecture:
    """Tells what network a state_dict of the authors is of.

    Args:
        state: Arrays by key.
        segments: Segments per clip, where the keys fit several numbers.
        name: Registered name, where the keys fit several.

    Raises:
        CheckpointError: If the keys are of no network that is known here, or of another than is
            asked for.

    Example:
        >>> detect(read_state_dict("PAN_Lite_resnet50.pth.tar")).name
        'pan_lite_resnet50'
    """
    bare = {
        key.removeprefix(BACKBONE).replace(f"{SHIFTED}.", "."): array
        for key, array in state.items()
        if key.startswith(BACKBONE)
    }
    if not bare:
        raise CheckpointError(
            f"it is no checkpoint of PAN: no key begins with {BACKBONE}, the first is "
            f"{next(iter(state))!r}; weights of an image network are for model.weights of train"
        )
    backbone, options, channels = _backbone(bare)
    modality, stack, doubts = _modality(state, channels, name)
    classes, timescales, expansion = _head(state)
    count, more_doubts = _segments(timescales, segments)
    found = Architecture(
        modality=modality,
        backbone=backbone,
        options=options,
        shift=any(f"{SHIFTED}." in key for key in state),
        segments=count,
        stack=stack,
        classes=classes,
        aggregation="average" if timescales is None else "vap",
        expansion=expansion,
        assumed=(*doubts, *more_doubts),
    )
    if name in models.names() and name != found.name:
        raise CheckpointError(f"its keys are those of {found.name}, not of {name}; drop --name")
    return found


def shape_of(state: Mapping[str, np.ndarray], key: str, axes: int) -> tuple[int, ...]:
    """The shape of a tensor that must be there.

    Raises:
        CheckpointError: If it is not, or has another number of axes.
    """
    if key not in state:
        raise CheckpointError(f"it lacks {key}")
    if state[key].ndim != axes:
        raise CheckpointError(f"{key} has {state[key].ndim} axes instead of {axes}")
    return state[key].shape


def _backbone(state: Mapping[str, np.ndarray]) -> tuple[str, dict[str, Any], int]:
    """Name and options of the backbone, and the channels of its stem."""
    if "features.0.0.weight" in state:
        _, channels, _, _ = shape_of(state, "features.0.0.weight", 4)
        last, *_ = shape_of(state, "features.17.conv.2.weight", 4)
        return "mobilenetv2", {"width": last / 320}, channels
    width, channels, kernel, _ = shape_of(state, "conv1.weight", 4)
    places = {
        tuple(map(int, found.groups()))
        for key in state
        if (found := re.match(r"layer(\d{1,3})\.(\d{1,3})\.", key))
    }
    stages = range(1, 1 + max((stage for stage, _ in places), default=0))
    options = {
        "block": "bottleneck" if "layer1.0.conv3.weight" in state else "basic",
        "blocks": tuple(sum(place[0] == stage for place in places) for stage in stages),
        "widths": tuple(shape_of(state, f"layer{stage}.0.conv1.weight", 4)[0] for stage in stages),
        "stem_width": width,
        "stem_kernel": kernel,
    }
    known = (name for name, each in RESNETS.items() if each == options)
    return next(known, "resnet"), options, channels


def _modality(
    state: Mapping[str, np.ndarray], channels: int, name: str | None
) -> tuple[str, int, list[str]]:
    """Modality, frames per stack, and what was taken for granted."""
    if not any(key.startswith("PA.") for key in state):
        if channels != 3:
            raise CheckpointError(f"its stem takes {channels} channels, but it has no PA")
        return "rgb", 1, []
    lite, pa = ("lite", channels - 2), ("pa", channels + 1)
    # PAN_Lite has RGB and at least one PA map.
    if channels < 4 or (name is not None and name.startswith("pa_")):
        return *pa, []
    if channels in USUAL_STEMS or name is not None:
        return *lite, []
    return *lite, [
        f"a stem of {channels} channels fits PAN_Lite with m = {lite[1]} and PA with m = {pa[1]}: "
        "taken is PAN_Lite, give --name, such as pa_resnet50, for the other"
    ]


def _head(state: Mapping[str, np.ndarray]) -> tuple[int, int | None, int]:
    """Classes, timescales T (None without VAP), and VAP's expansion."""
    for last in ("fc", "classifier"):
        if f"{BACKBONE}{last}.TES.0.weight" in state:
            hidden, timescales = shape_of(state, f"{BACKBONE}{last}.TES.0.weight", 2)
            classes, _ = shape_of(state, f"{BACKBONE}{last}.pred.weight", 2)
            return classes, timescales, max(1, hidden // timescales)
    classes, _ = shape_of(state, "new_fc.weight", 2)
    return classes, None, 4


def _segments(timescales: int | None, asked: int | None) -> tuple[int, list[str]]:
    """Segments per clip, and what was taken for granted."""
    if timescales is None:
        doubt = f"the average fits any number of segments: taken are {SEGMENTS}"
        lowest, highest, usual = 1, None, SEGMENTS
    else:
        # T = 1 + 2 + 4 + ... up to N / 2.
        lowest, highest = timescales + 1, 2 * timescales + 1
        if lowest & timescales:
            raise CheckpointError(f"its VAP has {timescales} timescales, as no number of segments")
        doubt = f"{timescales} timescales fit {lowest} to {highest} segments: taken are {lowest}"
        usual = lowest
    if asked is None:
        return usual, [f"{doubt}, give --segments for another number"]
    if asked < lowest or (highest is not None and asked > highest):
        raise CheckpointError(
            f"its VAP is of {lowest} to {highest} segments, not {asked}; mend --segments"
        )
    return asked, []
