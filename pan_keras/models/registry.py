"""The registry of models: family, underscore, backbone."""

import inspect
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from functools import partial
from typing import Any

import keras
import numpy as np

from pan_keras import backbones
from pan_keras.backbones.registry import unknown
from pan_keras.models.cues import MotionCue
from pan_keras.models.difference_network import DifferenceNetwork
from pan_keras.models.flow_network import FlowNetwork
from pan_keras.models.pa_network import PANetwork
from pan_keras.models.pan_ensemble import PANEnsemble
from pan_keras.models.pan_full import PANFull
from pan_keras.models.pan_lite import PANLite
from pan_keras.models.rgb_network import RGBNetwork
from pan_keras.models.video_network import PA_DEFAULTS, VideoNetwork

# By family: its class, and the options that differ from the defaults of the class.
NETWORKS: dict[str, tuple[type[VideoNetwork], dict[str, Any]]] = {
    "difference": (DifferenceNetwork, {}),
    "flow": (FlowNetwork, {}),
    "pa": (PANetwork, {}),
    "pan_lite": (PANLite, {}),
    "rgb": (RGBNetwork, {}),
    "tsm": (RGBNetwork, {"aggregation": "average"}),
    "tsn": (RGBNetwork, {"aggregation": "average", "shift": False}),
}
FUSED = ("pan_en", "pan_full")
# Families by layout of the backbone.
FAMILIES = {
    "frames": ("difference", "flow", "pa", "pan_en", "pan_full", "pan_lite", "tsm", "tsn"),
    "clip": ("difference", "flow", "pa", "pan_en", "pan_full", "pan_lite", "rgb"),
}
NETWORK_OPTIONS = tuple(
    name
    for name in inspect.signature(VideoNetwork.__init__).parameters
    if name not in ("self", "classes", "backbone", "segments", "stack", "size", "kwargs")
)
PA_OPTIONS = tuple(PA_DEFAULTS)
SHIFT_OPTIONS = ("shift", "causal")
# Options of networks that aggregate the features of segments.
FRAMES_OPTIONS = ("aggregation", "expansion", *SHIFT_OPTIONS)
FUSION_OPTIONS = ("weights", "fuse")


def names(pattern: str | None = None) -> list[str]:
    """Names of all models, sorted.

    Args:
        pattern: Shell-style pattern to match, such as `"pan_lite_*"`.

    Returns:
        The names, sorted.

    Example:
        >>> names("tsn_resnet*")
        ['tsn_resnet101', 'tsn_resnet18', 'tsn_resnet34', 'tsn_resnet50']
    """
    every = sorted(
        f"{family}_{backbone}"
        for backbone in backbones.names()
        for family in FAMILIES[backbones.get(backbone).kind.layout]
    )
    return [name for name in every if pattern is None or fnmatch(name, pattern)]


def options(name: str) -> tuple[str, ...]:
    """Names of the options that `create` accepts for a model.

    Args:
        name: One of `names()`.

    Returns:
        The names of the options.

    Example:
        >>> "width" in options("pan_lite_mobilenetv2"), "width" in options("pan_lite_resnet18")
        (True, False)
    """
    # Names of backbones contain no underscore.
    family, _, backbone = name.rpartition("_")
    registered = backbones.get(backbone)
    general = (*NETWORK_OPTIONS, *SHIFT_OPTIONS)
    unfit = () if _has_motion(family) else PA_OPTIONS
    if registered.kind.layout == "clip":
        unfit = (*unfit, *FRAMES_OPTIONS)
    fusion = FUSION_OPTIONS if family in FUSED else ()
    return (
        *(option for option in general if option not in unfit),
        *fusion,
        *registered.options,
    )


def _has_motion(family: str) -> bool:
    """Whether a network of a family, or one of its branches, computes PA."""
    if family in FUSED:
        return True
    network, _ = NETWORKS[family]
    return any(isinstance(cue, MotionCue) for cue in network.plan(2))


def cue_of(name: str) -> str | None:
    """The cue that a network takes, if it is a single one.

    Args:
        name: One of `names()`.

    Returns:
        `"rgb"`, `"pa"`, `"difference"` or `"flow"`; None for a network with several cues.

    Example:
        >>> cue_of("tsm_resnet50"), cue_of("flow_micro"), cue_of("pan_lite_micro")
        ('rgb', 'flow', None)
    """
    network, _ = NETWORKS.get(name.rpartition("_")[0], (None, {}))
    if network is None or len(network.plan(2)) > 1:
        return None
    return network.modality


def presets(name: str) -> dict[str, bool | str | int | float]:
    """The default options of a model name.

    Args:
        name: One of `names()`.

    Returns:
        `shift`, `causal`, `aggregation`; for networks with PA also `motion_depth`,
        `motion_encoding` and `motion_kernel`; for backbones with a width also `width`.

    Example:
        >>> presets("tsn_mobilenetv2")
        {'shift': False, 'causal': False, 'aggregation': 'average', 'width': 1.0}
    """
    family, *_ = name.rpartition("_")
    _, own = NETWORKS.get(family, (None, {}))
    general = {"shift": True, "causal": False, "aggregation": "vap", **PA_DEFAULTS, "width": 1.0}
    valid = options(name)
    return {key: value for key, value in {**general, **own}.items() if key in valid}


def create(
    name: str,
    *,
    classes: int,
    segments: int = 8,
    stack: int = 4,
    size: int | tuple[int, int] = 224,
    **settings: Any,
) -> keras.Model:
    """Creates a model with random weights.

    Args:
        name: One of `names()`: `pan_lite_*` (PAN_Lite), `pan_full_*` (PAN_Full), `pan_en_*`
            (PAN_En: both), `pa_*` (motion branch of PAN_Full alone), `tsm_*` (RGB, temporal shift,
            average), `tsn_*` (RGB, no shift, average); on a backbone that takes whole clips
            `rgb_*` instead of the last two; `difference_*` (RGB differences), `flow_*` (motion
            fields, given instead of frames).
        classes: Number of classes.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        size: Height and width of the frames in pixels, or one number for both.
        settings: Options listed by `options(name)`. All models have `shift` (bool, temporal shift
            in the backbone), `causal` (bool, shift from the past only), and `aggregation`,
            `expansion`, `dropout`, `seed`, `initialisation`, `dtype` of `VideoNetwork`.
            `pan_full_*` and `pan_en_*` have `weights` and `fuse` of `PANFull` and `PANEnsemble`,
            and pass the others to every branch, with a `seed` per branch derived from the given
            one. `*_mobilenetv2` has `width`; `pa_*` and `pan_*` have `motion_depth`,
            `motion_encoding` and `motion_kernel`.

    Returns:
        A model from frames uint8 `(B, N, m, H, W, 3)` to logits `(B, classes)`.

    Raises:
        ValueError: If the name or an option does not exist; the message suggests the nearest one.

    Example:
        >>> model = create("pan_lite_resnet50", classes=174, segments=8, stack=4, size=224)
        >>> model.output_shape
        (None, 174)
        >>> create("pan_full_mobilenetv2", width=0.5, classes=8, size=64).output_shape
        (None, 8)
    """
    if name not in names():
        raise unknown("model", name, names())
    for option in settings:
        if option not in options(name):
            raise unknown(f"option of {name}", option, options(name))
    family, _, backbone = name.rpartition("_")
    clip = {"classes": classes, "segments": segments, "stack": stack, "size": size}
    if family in NETWORKS:
        network, presets = NETWORKS[family]
        return single(network, backbone, clip, {"name": name, **presets, **settings})
    fusion = {key: settings.pop(key) for key in FUSION_OPTIONS if key in settings}
    branch = partial(branch_of, backbone=backbone, clip=clip, settings=settings)
    if family == "pan_full":
        return full(branch, name=name, **fusion)
    inside = {key: value for key, value in fusion.items() if key == "fuse"}
    return PANEnsemble(
        lite=branch(PANLite, "lite"), full=full(branch, name="full", **inside), name=name, **fusion
    )


def full(branch: Callable[..., VideoNetwork], **fusion: Any) -> PANFull:
    """Creates PAN_Full with branches from a function of class and name."""
    return PANFull(rgb=branch(RGBNetwork, "rgb"), pa=branch(PANetwork, "pa"), **fusion)


def branch_of(
    network: type[VideoNetwork],
    name: str,
    *,
    backbone: str,
    clip: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> VideoNetwork:
    """Creates a branch of a fused network, with dropout independent of the other branches."""
    own = {
        key: value
        for key, value in settings.items()
        if key not in PA_OPTIONS or network is not RGBNetwork
    }
    if own.get("seed") is not None:
        own["seed"] = seed_of(name, own["seed"])
    return single(network, backbone, clip, {"name": name, **own})


def seed_of(branch: str, seed: int) -> int:
    """The seed of a branch, derived from the seed of the model and the branch's name."""
    drawn = np.random.SeedSequence([seed, *branch.encode()]).generate_state(1)[0]
    return int(drawn) >> 1  # PyTorch stores seeds as signed 32-bit integers


def single(
    network: type[VideoNetwork],
    backbone: str,
    clip: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> VideoNetwork:
    """Creates a single network and its backbone; `settings` are for both.

    Raises:
        ValueError: If the settings contradict each other.
    """
    settings = dict(settings)
    shift, causal = settings.pop("shift", True), settings.pop("causal", False)
    if causal and not shift:
        raise ValueError(
            f"{settings['name']}: causal is an option of the temporal shift, which is off; "
            "remove causal"
        )
    own = {key: settings.pop(key) for key in backbones.options(backbone) if key in settings}
    made = backbones.create(
        backbone,
        network.cue_channels(clip["stack"]),
        clip["segments"] if shift else None,
        causal,
        dtype=settings.get("dtype"),
        **own,
    )
    return network(backbone=made, **clip, **settings)
