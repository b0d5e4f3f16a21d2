"""The models by name: a family, an underscore, a backbone."""

import inspect
from fnmatch import fnmatch
from functools import partial

import keras
import numpy as np

from pan_keras import backbones
from pan_keras.backbones.registry import unknown
from pan_keras.models.pa_network import PANetwork
from pan_keras.models.pan_ensemble import PANEnsemble
from pan_keras.models.pan_full import PANFull
from pan_keras.models.pan_lite import PANLite
from pan_keras.models.rgb_network import RGBNetwork
from pan_keras.models.video_network import VideoNetwork

# What a family's name says: its class and the options that differ from the class's own.
NETWORKS: dict[str, tuple[type[VideoNetwork], dict]] = {
    "pa": (PANetwork, {}),
    "pan_lite": (PANLite, {}),
    "tsm": (RGBNetwork, {"aggregation": "average"}),
    "tsn": (RGBNetwork, {"aggregation": "average", "shift": False}),
}
FUSED = ("pan_en", "pan_full")
NETWORK_OPTIONS = (
    *(
        name
        for name in inspect.signature(VideoNetwork.__init__).parameters
        if name not in ("self", "classes", "backbone", "segments", "stack", "size", "kwargs")
    ),
    "shift",
    "causal",
)
FUSION_OPTIONS = ("weights", "fuse")


def names(pattern: str | None = None) -> list[str]:
    """Names of all models, sorted.

    Args:
        pattern: Shell-style pattern that they match, such as `"pan_lite_*"`.

    Example:
        >>> names("tsn_resnet*")
        ['tsn_resnet101', 'tsn_resnet18', 'tsn_resnet34', 'tsn_resnet50']
    """
    families = (*NETWORKS, *FUSED)
    every = sorted(f"{family}_{backbone}" for family in families for backbone in backbones.names())
    return [name for name in every if pattern is None or fnmatch(name, pattern)]


def options(name: str) -> tuple[str, ...]:
    """Names of the options that `create` takes for a model.

    Args:
        name: One of `names()`.

    Example:
        >>> "width" in options("pan_lite_mobilenetv2"), "width" in options("pan_lite_resnet18")
        (True, False)
    """
    # Backbones have no underscore in their names.
    family, _, backbone = name.rpartition("_")
    fusion = FUSION_OPTIONS if family in FUSED else ()
    return (*NETWORK_OPTIONS, *fusion, *backbones.options(backbone))


def presets(name: str) -> dict[str, bool | str | float]:
    """What a name stands for, where `create` is told nothing else.

    Args:
        name: One of `names()`.

    Returns:
        `shift`, `causal`, `aggregation` and, where the backbone has one, `width`.

    Example:
        >>> presets("tsn_mobilenetv2")
        {'shift': False, 'causal': False, 'aggregation': 'average', 'width': 1.0}
    """
    family, _, backbone = name.rpartition("_")
    _, own = NETWORKS.get(family, (None, {}))
    general = {"shift": True, "causal": False, "aggregation": "vap"}
    return {**general, **own, **({"width": 1.0} if "width" in backbones.options(backbone) else {})}


def create(
    name: str,
    *,
    classes: int,
    segments: int = 8,
    stack: int = 4,
    size: int | tuple[int, int] = 224,
    **settings,
) -> keras.Model:
    """Makes a model with fresh weights.

    Args:
        name: One of `names()`: `pan_lite_*` (PAN_Lite), `pan_full_*` (PAN_Full), `pan_en_*`
            (PAN_En: both), `pa_*` (motion branch of PAN_Full alone), `tsm_*` (RGB, temporal shift,
            average), `tsn_*` (RGB, no shift, average).
        classes: Number of classes.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        size: Height and width of the frames in pixels, or one number for both.
        settings: Those of `options(name)`. All have `shift` (bool, temporal shift in the
            backbone), `causal` (bool, shift from the past only), and `aggregation`, `expansion`,
            `dropout`, `seed`, `initialisation`, `dtype` as `VideoNetwork` takes them; `pan_full_*`
            and `pan_en_*` have `weights` and `fuse` as `PANFull` and `PANEnsemble` take them, and
            give the others to every branch, but for `seed`: each has its own, drawn from it;
            `*_mobilenetv2` has `width`.

    Raises:
        ValueError: If the name or an option does not exist; it says the nearest that does.

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


def full(branch, **fusion) -> PANFull:
    """PAN_Full, its branches made by a function of class and name."""
    return PANFull(rgb=branch(RGBNetwork, "rgb"), pa=branch(PANetwork, "pa"), **fusion)


def branch_of(network, name, *, backbone, clip, settings) -> VideoNetwork:
    """One branch of a fused network; its dropout is independent of the other branches'."""
    seed = settings.get("seed")
    own = {} if seed is None else {"seed": seed_of(name, seed)}
    return single(network, backbone, clip, {"name": name, **settings, **own})


def seed_of(branch: str, seed: int) -> int:
    """The seed of a branch, drawn from the seed of the whole and the branch's name."""
    drawn = np.random.SeedSequence([seed, *branch.encode()]).generate_state(1)[0]
    return int(drawn) >> 1  # PyTorch keeps seeds in 32 bits with a sign


def single(network, backbone, clip, settings) -> VideoNetwork:
    """One network and its backbone; `settings` are for both.

    Raises:
        ValueError: If the settings contradict each other.
    """
    shift, causal = settings.pop("shift", True), settings.pop("causal", False)
    if causal and not shift:
        raise ValueError(
            f"{settings['name']}: causal says which way to shift, but there is no shift"
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
