"""The models by name: a family, an underscore, a backbone."""

import inspect
from fnmatch import fnmatch

import keras

from pan_keras import backbones
from pan_keras.backbones.registry import unknown
from pan_keras.models.pa_network import PANetwork
from pan_keras.models.pan_lite import PANLite
from pan_keras.models.rgb_network import RGBNetwork
from pan_keras.models.video_network import VideoNetwork

# What a family's name says: its class and the options that differ from the class's own.
FAMILIES: dict[str, tuple[type[VideoNetwork], dict]] = {
    "pa": (PANetwork, {}),
    "pan_lite": (PANLite, {}),
    "tsm": (RGBNetwork, {"aggregation": "average"}),
    "tsn": (RGBNetwork, {"aggregation": "average", "shift": False}),
}
OPTIONS = (
    *(
        name
        for name in inspect.signature(VideoNetwork.__init__).parameters
        if name not in ("self", "classes", "backbone", "segments", "stack", "size", "kwargs")
    ),
    "shift",
    "causal",
)


def names(pattern: str | None = None) -> list[str]:
    """Names of all models, sorted.

    Args:
        pattern: Shell-style pattern that they match, such as `"pan_lite_*"`.

    Example:
        >>> names("tsn_resnet*")
        ['tsn_resnet101', 'tsn_resnet18', 'tsn_resnet34', 'tsn_resnet50']
    """
    every = sorted(f"{family}_{backbone}" for family in FAMILIES for backbone in backbones.names())
    return [name for name in every if pattern is None or fnmatch(name, pattern)]


def create(
    name: str,
    *,
    classes: int,
    segments: int = 8,
    stack: int = 4,
    size: int | tuple[int, int] = 224,
    **options,
) -> keras.Model:
    """Makes a model with fresh weights.

    Args:
        name: One of `names()`: `pan_lite_*` (PAN_Lite), `pa_*` (its motion branch alone), `tsm_*`
            (RGB, temporal shift, average), `tsn_*` (RGB, no shift, average).
        classes: Number of classes.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        size: Height and width of the frames in pixels, or one number for both.
        options: `shift` (bool, temporal shift in the backbone), `causal` (bool, shift from the
            past only), and `aggregation`, `expansion`, `dropout`, `seed`, `dtype` as
            `VideoNetwork` takes them.

    Raises:
        ValueError: If the name or an option does not exist; it says the nearest that does.

    Example:
        >>> model = create("pan_lite_resnet50", classes=174, segments=8, stack=4, size=224)
        >>> model.output_shape
        (None, 174)
    """
    if name not in names():
        raise unknown("model", name, names())
    for option in options:
        if option not in OPTIONS:
            raise unknown(f"option of {name}", option, OPTIONS)
    # Backbones have no underscore in their names.
    family, _, backbone = name.rpartition("_")
    network, presets = FAMILIES[family]
    options = {"name": name, **presets, **options}
    shift, causal = options.pop("shift", True), options.pop("causal", False)
    if causal and not shift:
        raise ValueError(f"{name}: causal says which way to shift, but there is no shift")
    made = backbones.create(
        backbone,
        network.cue_channels(stack),
        segments if shift else None,
        causal,
        dtype=options.get("dtype"),
    )
    return network(
        classes=classes, backbone=made, segments=segments, stack=stack, size=size, **options
    )
