"""MobileNetV2 with torchvision's arithmetic, any number of input channels and temporal shift."""

import math
import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from pan_keras.backbones.arithmetic import convolve, convolve_each, normalise, rectify
from pan_keras.backbones.backbone import Backbone, Shapes, shape_of
from pan_keras.backbones.pretrained import SYMMETRIC, KerasApplication
from pan_keras.backbones.registry import register
from pan_keras.layers import TemporalShift

# Expansion, channels, blocks and stride of each stage.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM_CHANNELS = 32
FEATURES = 1280


@keras.saving.register_keras_serializable(package="pan_keras")
class MobileNetV2(Backbone):
    """MobileNetV2 from maps to a feature vector, for phones.

    The arithmetic is torchvision's: symmetric padding, convolutions without biases, batch
    normalisation with epsilon 1e-5 and momentum 0.9, ReLU6. Layers have torchvision's names with
    underscores: `features_0_0` (the stem's convolution) and `features_0_1` (its norm),
    `features_2_conv_0_0` (a block's expansion), `features_2_conv_1_0` (its depthwise convolution),
    `features_2_conv_2` (its projection) and `features_2_conv_3` (the norm after it),
    `features_18_0`. A depthwise kernel is `(3, 3, C, 1)`.

    With `segments`, each block with a shortcut has a temporal shift at the input of its expansion,
    which leaves the shortcut unchanged, as in TSM.

    Args:
        width: Width multiplier of the channels, which are rounded to multiples of 8 as in
            torchvision; there are never fewer than 1280 features.
        channels: Channels of the input maps.
        segments: Segments per clip, N, for the temporal shift; None for none.
        causal: Shift from past segments only.
        dtype: Policy of all layers.

    Input shape:
        `(B * N, H, W, channels)`, any H and W.

    Output shape:
        `(B * N, d)`, averaged over positions; d is 1280, or more where `width` is above 1.

    Raises:
        ValueError: If `width` is not above 0.

    Example:
        >>> backbone = MobileNetV2(width=0.5, channels=6, segments=8)
        >>> backbone(keras.random.normal((2 * 8, 64, 64, 6))).shape
        (16, 1280)

    References:
        Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
        Lin, Gan, Han, "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019.
    """

    stem = "features_0_0"
    classifier = "classifier"

    def __init__(
        self,
        *,
        width: float = 1.0,
        channels: int = 3,
        segments: int | None = None,
        causal: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ):
        if not width > 0:
            raise ValueError(f"width must be above 0, got {width}")
        policy = keras.dtype_policies.get(dtype)
        maps = keras.Input((None, None, channels), name="maps")
        stem = round_channels(STEM_CHANNELS * width)
        x = convolve(maps, stem, 3, policy, name="features_0_0", stride=2)
        x = activate(x, policy, "features_0_1")
        number = 0
        for expansion, stage_channels, count, stage_stride in STAGES:
            for index in range(count):
                number += 1
                x = inverted_residual(
                    x,
                    expansion,
                    round_channels(stage_channels * width),
                    stage_stride if index == 0 else 1,
                    shift={"segments": segments, "causal": causal} if segments else None,
                    policy=policy,
                    name=f"features_{number}",
                )
        last = round_channels(FEATURES * max(1.0, width))
        x = convolve(x, last, 1, policy, name=f"features_{number + 1}_0")
        x = activate(x, policy, f"features_{number + 1}_1")
        features = layers.GlobalAveragePooling2D(dtype=policy, name="avgpool")(x)
        configuration = {
            "width": width,
            "channels": channels,
            "segments": segments,
            "causal": causal,
        }
        super().__init__(maps, features, configuration, policy, **kwargs)

    @classmethod
    def recognise(cls, shapes: Shapes) -> dict[str, Any] | None:
        if "features.0.0.weight" not in shapes:
            return None
        last, *_ = shape_of(shapes, "features.17.conv.2.weight", 4)
        return {"width": last / STAGES[-1][1]}

    @classmethod
    def from_timm(cls, state: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Renames timm's blocks, numbered per stage there and consecutively here."""
        if "conv_stem.weight" not in state:
            return state
        places = sorted(
            {
                (int(found[1]), int(found[2]))
                for key in state
                if (found := TIMM_BLOCK.fullmatch(key))
            }
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
                names = TIMM_NOT_WIDENED if place == places[0] else TIMM_WIDENED
                layer = f"features.{number[place]}.{names.get(found[3], found[3])}"
            renamed[f"{outside.get(layer, layer)}.{part}"] = array
        return renamed


def inverted_residual(
    x: keras.KerasTensor,
    expansion: int,
    width: int,
    stride: int,
    *,
    shift: dict[str, Any] | None,
    policy: keras.DTypePolicy,
    name: str,
) -> keras.KerasTensor:
    """Applies an inverted residual block: expansion, depthwise convolution, projection, shortcut.

    The shortcut is left out where resolution or width changes.

    Args:
        x: Maps.
        expansion: Expanded channels as a multiple of those of `x`; 1 for no expansion.
        width: Output channels.
        stride: Stride of the depthwise convolution.
        shift: Arguments of the temporal shift, if any.
        policy: Dtype policy of the layers.
        name: Prefix of the layer names.
    """
    shortcut, inside = x, expansion * x.shape[-1]
    has_shortcut = stride == 1 and x.shape[-1] == width
    if has_shortcut and shift and expansion > 1:
        x = TemporalShift(**shift, dtype=policy, name=f"{name}_shift")(x)
    unit = 0
    if expansion > 1:
        x = convolve(x, inside, 1, policy, name=f"{name}_conv_0_0")
        x = activate(x, policy, f"{name}_conv_0_1")
        unit = 1
    x = convolve_each(x, 3, policy, name=f"{name}_conv_{unit}_0", stride=stride)
    x = activate(x, policy, f"{name}_conv_{unit}_1")
    x = convolve(x, width, 1, policy, name=f"{name}_conv_{unit + 1}")
    x = normalise(x, policy, f"{name}_conv_{unit + 2}")
    return layers.Add(dtype=policy, name=f"{name}_add")([shortcut, x]) if has_shortcut else x


def activate(x: keras.KerasTensor, policy: keras.DTypePolicy, name: str) -> keras.KerasTensor:
    """Applies batch normalisation and ReLU6."""
    return rectify(normalise(x, policy, name), policy, f"{name}_relu", ceiling=6.0)


def round_channels(channels: float) -> int:
    """Rounds a number of channels to a multiple of 8.

    The result is the nearest multiple, at least 8, or the next higher one if the nearest is more
    than a tenth below.

    Example:
        >>> [round_channels(0.5 * channels) for channels in (16, 24, 32, 96)]
        [8, 16, 16, 48]
    """
    nearest = max(8, 8 * math.floor(channels / 8 + 0.5))
    return nearest + 8 if nearest < 0.9 * channels else nearest


# timm's names of a block's parts, with and without expansion.
TIMM_BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.(\w+)\.(\w+)")
TIMM_WIDENED = {
    "conv_pw": "conv.0.0",
    "bn1": "conv.0.1",
    "conv_dw": "conv.1.0",
    "bn2": "conv.1.1",
    "conv_pwl": "conv.2",
    "bn3": "conv.3",
}
TIMM_NOT_WIDENED = {"conv_dw": "conv.0.0", "bn1": "conv.0.1", "conv_pw": "conv.1", "bn2": "conv.2"}

APPLICATION_LAYER = re.compile(r"(?:expanded_conv|block_(\d+))_(\w+?)(_BN)?")
APPLICATION_ENDS = {
    "Conv1": "features.0.0",
    "bn_Conv1": "features.0.1",
    "Conv_1": "features.18.0",
    "Conv_1_bn": "features.18.1",
}


def application_key(layer: str) -> str:
    """Returns torchvision's name of a layer of Keras' MobileNetV2."""
    if layer in APPLICATION_ENDS:
        return APPLICATION_ENDS[layer]
    found = APPLICATION_LAYER.fullmatch(layer)
    assert found is not None, layer
    number, part, norm = found[1], found[2], found[3] is not None
    units = ["depthwise", "project"] if number is None else ["expand", "depthwise", "project"]
    unit = units.index(part)
    # In torchvision the projection is not in a unit, so its norm has the next number.
    place = f"{unit}.{int(norm)}" if part != "project" else f"{unit + int(norm)}"
    return f"features.{1 + int(number or 0)}.conv.{place}"


register(
    "mobilenetv2",
    options=("width",),
    pretrained=KerasApplication(
        keras.applications.MobileNetV2,
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        application_key,
        SYMMETRIC,
        "block_16_project",
    ),
)(MobileNetV2)
