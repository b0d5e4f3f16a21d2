"""Infers a checkpoint's network from the names and shapes of its tensors."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from pan_keras import backbones, models
from pan_keras.backbones import Backbone, Shapes
from pan_keras.checkpoints.weights import BACKBONE, MOTION, SHIFTED
from pan_keras.errors import CheckpointError
from pan_keras.models import PA_DEFAULTS, PANetwork, PANLite, RGBNetwork, VideoNetwork

SEGMENTS = 8  # as in the authors' models
# Stem channels of PA and PAN_Lite in the authors' models, which all have m = 4.
USUAL_STEMS = (3, 6)
# By the backbone's input: RGB with PA, PA, or RGB.
NETWORKS: dict[str, type[VideoNetwork]] = {
    network.modality: network for network in (PANLite, PANetwork, RGBNetwork)
}


def branches_of(model: keras.Model) -> dict[str, VideoNetwork]:
    """Returns a model's networks by modality: `lite`, `pa`, `rgb`. Each has its own checkpoint.

    Args:
        model: A single network or a fused one.

    Returns:
        The networks by modality.

    Example:
        >>> list(branches_of(models.create("pan_full_micro", classes=8)))
        ['rgb', 'pa']
        >>> list(branches_of(models.create("tsm_micro", classes=8)))
        ['rgb']
    """
    return {network.modality: network for network in models.networks(model).values()}


@dataclass(frozen=True)
class Architecture:
    """The architecture of one branch, as detected from a checkpoint.

    Args:
        modality: `"lite"`, `"pa"` or `"rgb"`.
        backbone: Registered name of the backbone, or the name of its class, such as `"resnet"`,
            if it is not registered.
        kind: Class of the backbone.
        options: Arguments of the backbone, besides channels and segments.
        shift: Whether the backbone has temporal shifts.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        classes: Number of classes.
        aggregation: `"vap"` or `"average"`.
        expansion: Expansion ratio of VAP.
        pa: Options of PA: `motion_depth`, `motion_encoding` and `motion_kernel`; empty without PA.
        assumed: Sentences that state what was assumed where the checkpoint is ambiguous.
    """

    modality: str
    backbone: str
    kind: type[Backbone]
    options: dict[str, Any]
    shift: bool
    segments: int
    stack: int
    classes: int
    aggregation: str
    expansion: int
    pa: dict[str, Any]
    assumed: tuple[str, ...]

    @property
    def family(self) -> str:
        """Model family, as in registered model names."""
        still = "tsm" if self.shift else "tsn"
        if self.kind.layout == "clip":
            still = "rgb"
        return {"lite": "pan_lite", "pa": "pa", "rgb": still}[self.modality]

    @property
    def name(self) -> str:
        """Registered name, or the name it would have if its backbone were registered."""
        return f"{self.family}_{self.backbone}"

    @property
    def settings(self) -> dict[str, Any]:
        """Options that differ from the named model's: `shift`, `aggregation`, `width`."""
        averages = self.modality == "rgb"
        settings: dict[str, Any] = {}
        if self.kind.layout == "frames":
            if not averages and not self.shift:
                settings["shift"] = False
            if (self.aggregation == "average") != averages:
                settings["aggregation"] = self.aggregation
        settings |= {key: value for key, value in self.pa.items() if value != PA_DEFAULTS[key]}
        if self.backbone in backbones.names():
            defaults = inspect.signature(self.kind).parameters
            for option in backbones.options(self.backbone):
                if self.options[option] != defaults[option].default:
                    settings[option] = self.options[option]
        return settings

    def build(self, size: int | tuple[int, int], name: str) -> VideoNetwork:
        """Builds the network with fresh weights.

        Args:
            size: Height and width of the frames.
            name: Name of the model.

        Raises:
            CheckpointError: If the options do not make a network.
        """
        network = NETWORKS[self.modality]
        common: dict[str, Any] = {
            "channels": network.cue_channels(self.stack),
            "segments": self.segments if self.shift else None,
        }
        try:
            if self.backbone in backbones.names():
                own = {key: self.options[key] for key in backbones.options(self.backbone)}
                backbone = backbones.create(self.backbone, **common, **own)
            else:
                backbone = self.kind(**self.options, **common, name=self.backbone)
            return network(
                classes=self.classes,
                backbone=backbone,
                segments=self.segments,
                stack=self.stack,
                size=size,
                aggregation=self.aggregation,
                expansion=self.expansion,
                name=name,
                **self.pa,
            )
        except ValueError as error:
            raise CheckpointError(f"its tensors do not form a network: {error}") from None


def detect(
    state: Mapping[str, np.ndarray],
    segments: int | None = None,
    name: str | None = None,
    motion_encoding: str = "e1",
) -> Architecture:
    """Detects the network of a state_dict of the authors' code.

    Args:
        state: Arrays by key.
        segments: Segments per clip, if the keys fit several numbers.
        name: Registered name, if the keys fit several models.
        motion_encoding: Encoding of PA, which cannot be inferred from the tensors.

    Raises:
        CheckpointError: If the keys fit no known network, or not the requested one.

    Example:
        >>> detect(read_state_dict("PAN_Lite_resnet50.pth.tar")).name
        'pan_lite_resnet50'
    """
    bare = {
        key.removeprefix(BACKBONE).replace(f"{SHIFTED}.", "."): array.shape
        for key, array in state.items()
        if key.startswith(BACKBONE)
    }
    if not bare:
        raise CheckpointError(
            f"it is not a PAN checkpoint: no key begins with {BACKBONE}, the first is "
            f"{next(iter(state))!r}; weights of an image network are for model.weights of train"
        )
    backbone, kind, options, channels = _backbone(bare)
    modality, stack, doubts = _modality(state, channels, name)
    classes, timescales, expansion = _head(state, kind)
    pa = _pa(state, motion_encoding) if modality != "rgb" else {}
    count, more_doubts = _segments(timescales, segments)
    aggregation = "average" if timescales is None else "vap"
    found = Architecture(
        modality=modality,
        backbone=backbone,
        kind=kind,
        options=options,
        shift=any(f"{SHIFTED}." in key for key in state),
        segments=count,
        stack=stack,
        classes=classes,
        aggregation="none" if kind.layout == "clip" else aggregation,
        expansion=expansion,
        pa=pa,
        assumed=(*doubts, *more_doubts),
    )
    if name in models.names() and name != found.name:
        raise CheckpointError(f"its keys are those of {found.name}, not of {name}; remove --name")
    return found


def shape_of(state: Mapping[str, np.ndarray], key: str, axes: int) -> tuple[int, ...]:
    """Returns the shape of a required tensor.

    Raises:
        CheckpointError: If the tensor is missing, or has another number of axes.
    """
    try:
        return backbones.shape_of({key: state[key].shape} if key in state else {}, key, axes)
    except ValueError as error:
        raise CheckpointError(str(error)) from None


def _backbone(shapes: Shapes) -> tuple[str, type[Backbone], dict[str, Any], int]:
    """Returns the backbone's name, class, arguments and stem channels."""
    try:
        found = backbones.recognise(shapes)
        if found is None:
            first = next(iter(shapes))
            raise ValueError(f"its backbone is not a registered one ({first!r})")
        name, kind, arguments = found
        stem = f"{kind.torch_key(kind.stem)}.weight"
        axes = 4 if kind.layout == "frames" else 5
        _, channels, *_ = backbones.shape_of(shapes, stem, axes)
    except ValueError as error:
        raise CheckpointError(str(error)) from None
    return name or kind.__name__.lower(), kind, arguments, channels


def _modality(
    state: Mapping[str, np.ndarray], channels: int, name: str | None
) -> tuple[str, int, list[str]]:
    """Returns the modality, the frames per stack, and what was assumed."""
    if not any(key.startswith("PA.") for key in state):
        named = name is not None and name.startswith(("pa_", "pan_lite_"))  # PA of depth 0
        if channels != 3 and not named:
            raise CheckpointError(
                f"its stem takes {channels} channels, but it has no PA; give --name, such as "
                "pan_lite_resnet50, if its PA has no convolutions"
            )
        if not named:
            return "rgb", 1, []
    lite, pa = ("lite", channels - 2), ("pa", channels + 1)
    # PAN_Lite has RGB and at least one PA map.
    if channels < 4 or (name is not None and name.startswith("pa_")):
        return *pa, []
    if channels in USUAL_STEMS or name is not None:
        return *lite, []
    return *lite, [
        f"a stem of {channels} channels fits PAN_Lite with m = {lite[1]} and PA with m = {pa[1]}: "
        "PAN_Lite is used; for PA give --name, such as pa_resnet50"
    ]


def _pa(state: Mapping[str, np.ndarray], encoding: str) -> dict[str, Any]:
    """Infers the options of PA from its convolutions."""
    kernels = [key for key in state if key.startswith(f"{MOTION}.") and key.endswith(".weight")]
    found: dict[str, Any] = {"motion_depth": len(kernels), "motion_encoding": encoding}
    if kernels:
        *_, found["motion_kernel"] = shape_of(state, kernels[0], 4)
    return {**PA_DEFAULTS, **found}


def _head(state: Mapping[str, np.ndarray], kind: type[Backbone]) -> tuple[int, int | None, int]:
    """Returns the classes, the timescales T (None without VAP), and VAP's expansion."""
    last = f"{BACKBONE}{kind.classifier}"
    if f"{last}.TES.0.weight" in state:
        hidden, timescales = shape_of(state, f"{last}.TES.0.weight", 2)
        classes, _ = shape_of(state, f"{last}.pred.weight", 2)
        return classes, timescales, max(1, hidden // timescales)
    classes, _ = shape_of(state, "new_fc.weight", 2)
    return classes, None, 4


def _segments(timescales: int | None, asked: int | None) -> tuple[int, list[str]]:
    """Returns the segments per clip, and what was assumed."""
    if timescales is None:
        doubt = f"the average fits any number of segments: {SEGMENTS} are used"
        lowest, highest, usual = 1, None, SEGMENTS
    else:
        # T = 1 + 2 + 4 + ... up to N / 2.
        lowest, highest = timescales + 1, 2 * timescales + 1
        if lowest & timescales:
            raise CheckpointError(
                f"its VAP has {timescales} timescales, which fits no number of segments"
            )
        doubt = f"{timescales} timescales fit {lowest} to {highest} segments: {lowest} are used"
        usual = lowest
    if asked is None:
        return usual, [f"{doubt}; give --segments for another number"]
    if asked < lowest or (highest is not None and asked > highest):
        raise CheckpointError(
            f"its VAP was trained on {lowest} to {highest} segments, not {asked}; "
            "correct --segments"
        )
    return asked, []
