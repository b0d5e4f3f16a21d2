"""ResNet with torchvision's arithmetic, any number of input channels and temporal shift."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from pan_keras.backbones.arithmetic import convolve, normalise, rectify
from pan_keras.backbones.backbone import Backbone, Shapes, shape_of
from pan_keras.backbones.pretrained import CAFFE, KerasApplication
from pan_keras.backbones.registry import register
from pan_keras.layers import TemporalShift

# With at least this many blocks in the third stage, only every second block has the shift.
DEEP = 23


@keras.saving.register_keras_serializable(package="pan_keras")
class ResNet(Backbone):
    """A residual network from maps to a feature vector, the backbone of the paper.

    The arithmetic is torchvision's: stride on the 3x3 convolution, symmetric padding, convolutions
    without biases, batch normalisation with epsilon 1e-5 and momentum 0.9. Layers have
    torchvision's names with underscores, such as `layer1_0_conv1` and `layer2_0_downsample_bn`.

    With `segments`, each block has a temporal shift at the input of its first convolution, which
    leaves the shortcut unchanged. Networks with 23 or more blocks in the third stage (ResNet-101)
    have it only in every second block of each stage, starting with the first.

    Args:
        block: `"basic"` or `"bottleneck"`.
        blocks: Blocks of each stage. All stages but the first halve the resolution.
        widths: Channels of each stage, before a bottleneck's expansion by 4.
        stem_width: Channels of the first convolution, of stride 2 and followed by a max-pool.
        stem_kernel: Its height and width, odd.
        channels: Channels of the input maps.
        segments: Segments per clip, N, for the temporal shift; None for none.
        causal: Shift from past segments only.
        dtype: Policy of all layers.

    Input shape:
        `(B * N, H, W, channels)`, any H and W.

    Output shape:
        `(B * N, d)`, averaged over positions; d is the last stage's width after expansion.

    Raises:
        ValueError: If an argument is outside the values above.

    Example:
        >>> backbone = ResNet(blocks=(2, 2, 2, 2), channels=6, segments=8)
        >>> backbone(keras.random.normal((2 * 8, 112, 112, 6))).shape
        (16, 512)

    References:
        He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. PAN paper, Sec. V-A.
    """

    def __init__(
        self,
        *,
        block: str = "basic",
        blocks: Sequence[int] = (2, 2, 2, 2),
        widths: Sequence[int] = (64, 128, 256, 512),
        stem_width: int = 64,
        stem_kernel: int = 7,
        channels: int = 3,
        segments: int | None = None,
        causal: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ):
        if block not in BRANCHES:
            raise ValueError(f"block must be one of {tuple(BRANCHES)}, got {block!r}")
        if len(blocks) != len(widths):
            raise ValueError(f"blocks {blocks} and widths {widths} must have one value per stage")
        if stem_kernel % 2 == 0:
            raise ValueError(f"stem_kernel must be odd, got {stem_kernel}")
        policy = keras.dtype_policies.get(dtype)
        maps = keras.Input((None, None, channels), name="maps")
        x = convolve(maps, stem_width, stem_kernel, policy, name="conv1", stride=2)
        # ReLU commutes with max-pooling, and after the pool it runs on a quarter of the positions.
        # Zero padding is right only because of the ReLU.
        x = layers.ZeroPadding2D(1, dtype=policy, name="maxpool_pad")(normalise(x, policy, "bn1"))
        x = layers.MaxPooling2D(3, 2, dtype=policy, name="maxpool")(x)
        x = rectify(x, policy, "relu")
        shifted_blocks = 2 if len(blocks) > 2 and blocks[2] >= DEEP else 1
        for stage, (count, width) in enumerate(zip(blocks, widths, strict=True), start=1):
            for index in range(count):
                name = f"layer{stage}_{index}"
                shift = None
                if segments is not None and index % shifted_blocks == 0:
                    shift = TemporalShift(
                        segments, causal=causal, dtype=policy, name=f"{name}_shift"
                    )
                stride = 2 if index == 0 and stage > 1 else 1
                x = residual(
                    x, BRANCHES[block], width, stride, shift=shift, policy=policy, name=name
                )
        features = layers.GlobalAveragePooling2D(dtype=policy, name="avgpool")(x)
        configuration = {
            "block": block,
            "blocks": list(blocks),
            "widths": list(widths),
            "stem_width": stem_width,
            "stem_kernel": stem_kernel,
            "channels": channels,
            "segments": segments,
            "causal": causal,
        }
        super().__init__(maps, features, configuration, policy, **kwargs)

    @staticmethod
    def torch_key(layer: str) -> str:
        name = layer.replace("downsample_conv", "downsample.0")
        return name.replace("downsample_bn", "downsample.1").replace("_", ".")

    @classmethod
    def recognise(cls, shapes: Shapes) -> dict[str, Any] | None:
        places = {
            tuple(map(int, found.groups()))
            for key in shapes
            if (found := re.match(r"layer(\d{1,3})\.(\d{1,3})\.", key))
        }
        if not places and "conv1.weight" not in shapes:
            return None
        width, _, kernel, _ = shape_of(shapes, "conv1.weight", 4)
        stages = range(1, 1 + max((stage for stage, _ in places), default=0))
        return {
            "block": "bottleneck" if "layer1.0.conv3.weight" in shapes else "basic",
            "blocks": tuple(sum(place[0] == stage for place in places) for stage in stages),
            "widths": tuple(
                shape_of(shapes, f"layer{stage}.0.conv1.weight", 4)[0] for stage in stages
            ),
            "stem_width": width,
            "stem_kernel": kernel,
        }


def residual(
    x: keras.KerasTensor,
    branch: Callable[..., keras.KerasTensor],
    width: int,
    stride: int,
    *,
    shift: TemporalShift | None,
    policy: keras.DTypePolicy,
    name: str,
) -> keras.KerasTensor:
    """Applies a residual block: the optional shift and the branch, plus the shortcut.

    The shortcut is a 1x1 convolution where the branch changes resolution or width.
    """
    y = branch(shift(x) if shift else x, width, stride, policy, name)
    if stride > 1 or x.shape[-1] != y.shape[-1]:
        x = convolve(x, y.shape[-1], 1, policy, name=f"{name}_downsample_conv", stride=stride)
        x = normalise(x, policy, f"{name}_downsample_bn")
    return rectify(layers.Add(dtype=policy, name=f"{name}_add")([y, x]), policy, name)


def basic_branch(
    x: keras.KerasTensor, width: int, stride: int, policy: keras.DTypePolicy, name: str
) -> keras.KerasTensor:
    """Applies two 3x3 convolutions, up to the sum with the shortcut."""
    x = convolve(x, width, 3, policy, name=f"{name}_conv1", stride=stride)
    x = rectify(normalise(x, policy, f"{name}_bn1"), policy, f"{name}_relu1")
    x = convolve(x, width, 3, policy, name=f"{name}_conv2")
    return normalise(x, policy, f"{name}_bn2")


def bottleneck_branch(
    x: keras.KerasTensor, width: int, stride: int, policy: keras.DTypePolicy, name: str
) -> keras.KerasTensor:
    """Applies 1x1, 3x3 and 1x1 convolutions, the last one four times as wide."""
    x = convolve(x, width, 1, policy, name=f"{name}_conv1")
    x = rectify(normalise(x, policy, f"{name}_bn1"), policy, f"{name}_relu1")
    x = convolve(x, width, 3, policy, name=f"{name}_conv2", stride=stride)
    x = rectify(normalise(x, policy, f"{name}_bn2"), policy, f"{name}_relu2")
    x = convolve(x, 4 * width, 1, policy, name=f"{name}_conv3")
    return normalise(x, policy, f"{name}_bn3")


BRANCHES = {"basic": basic_branch, "bottleneck": bottleneck_branch}


APPLICATION_LAYER = re.compile(r"conv(\d)_block(\d+)_(\d)_(conv|bn)")


def application_key(layer: str) -> str:
    """Returns torchvision's name of a layer of Keras' ResNet."""
    found = APPLICATION_LAYER.fullmatch(layer)
    if found is None:
        return {"conv1_conv": "conv1", "conv1_bn": "bn1"}[layer]
    stage, block, place, kind = found.groups()
    part = f"{kind}{place}" if place != "0" else f"downsample.{int(kind == 'bn')}"
    return f"layer{int(stage) - 1}.{int(block) - 1}.{part}"


def application(make: Callable[..., keras.Model], name: str, landmark: str) -> KerasApplication:
    """Declares the ImageNet weights that Keras distributes for a ResNet."""
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return KerasApplication(make, file, application_key, CAFFE, landmark)


PRETRAINED = {
    "resnet50": application(keras.applications.ResNet50, "resnet50", "conv4_block6_3_conv"),
    # Files of ResNet-101 contain the landmark of ResNet-50 too, but "resnet101" is tried first.
    "resnet101": application(keras.applications.ResNet101, "resnet101", "conv4_block23_3_conv"),
}
VARIANTS: dict[str, dict[str, Any]] = {
    "resnet18": {"block": "basic", "blocks": (2, 2, 2, 2)},
    "resnet34": {"block": "basic", "blocks": (3, 4, 6, 3)},
    "resnet50": {"block": "bottleneck", "blocks": (3, 4, 6, 3)},
    "resnet101": {"block": "bottleneck", "blocks": (3, 4, 23, 3)},
}
for name, arguments in VARIANTS.items():
    register(name, arguments=arguments, pretrained=PRETRAINED.get(name))(ResNet)
