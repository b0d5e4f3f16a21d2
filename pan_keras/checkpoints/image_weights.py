"""Weights of image networks under the names that this package's backbones have in PyTorch."""

import re
from collections.abc import Mapping

import numpy as np

from pan_keras.checkpoints.weights import BACKBONE, SHIFTED

# timm's names of a MobileNetV2's parts, by what stands before the depthwise convolution.
WIDENED = {
    "conv_pw": "conv.0.0",
    "bn1": "conv.0.1",
    "conv_dw": "conv.1.0",
    "bn2": "conv.1.1",
    "conv_pwl": "conv.2",
    "bn3": "conv.3",
}
NOT_WIDENED = {"conv_dw": "conv.0.0", "bn1": "conv.0.1", "conv_pw": "conv.1", "bn2": "conv.2"}
TIMM_BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.(\w+)\.(\w+)")


def plain_names(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays under torchvision's names.

    Args:
        state: Of torchvision, of timm, or of the authors' code, whose backbone is torchvision's
            under `base_model.` with `.net` where it is shifted.
    """
    if "conv_stem.weight" in state:
        return _from_timm(state)
    return {
        key.removeprefix(BACKBONE).replace(f"{SHIFTED}.", "."): array
        for key, array in state.items()
    }


def _from_timm(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """MobileNetV2's blocks are counted through here, and by stages there."""
    places = sorted(
        {(int(found[1]), int(found[2])) for key in state if (found := TIMM_BLOCK.fullmatch(key))}
    )
    number = {place: count for count, place in enumerate(places, start=1)}
    outside = {
        "conv_stem": "features.0.0",
        "bn1": "features.0.1",
        "conv_head": f"features.{len(places) + 1}.0",
        "bn2": f"features.{len(places) + 1}.1",
    }
    renamed = {}
    for key, array in state.items():
        layer, _, part = key.rpartition(".")
        found = TIMM_BLOCK.fullmatch(key)
        if found is not None:
            place = (int(found[1]), int(found[2]))
            names = NOT_WIDENED if place == places[0] else WIDENED
            layer = f"features.{number[place]}.{names.get(found[3], found[3])}"
        renamed[f"{outside.get(layer, layer)}.{part}"] = array
    return renamed


def inflate(kernel: np.ndarray, channels: int) -> np.ndarray:
    """A stem for cues from one for RGB: each channel gets the mean of the three.

    Args:
        kernel: `(out, 3, height, width)`.
        channels: Channels that the stem is to take.

    Returns:
        `(out, channels, height, width)`.

    References:
        The paper's released code does so for PAN_Lite; Wang et al., "Temporal Segment Networks",
        ECCV 2016, for optical flow.
    """
    return np.repeat(kernel.mean(axis=1, keepdims=True), channels, axis=1)
