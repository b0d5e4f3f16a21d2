"""The ImageNet weights that Keras distributes, brought to the arithmetic of this package.

Keras' networks take other units, have biases before the normalisations and other epsilons: all
that is absorbed into the weights, exactly but for the outermost pixels, which see the padding.
What remains is that Keras' ResNets have the stride of a block on its first convolution, not on
the second, and that its MobileNetV2 pads on one side more than on the other: the weights are a
start for training, not a network that classifies images.
"""

import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from pan_keras.backbones.input_normalisation import IMAGENET
from pan_keras.checkpoints.weights import DEPTHWISE, KERNEL
from pan_keras.errors import UserError

EPSILON = 1e-5  # of this package's normalisations
PATIENCE = 30  # seconds without a byte after which a download has failed
CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red
RESNET_LAYER = re.compile(r"conv(\d)_block(\d+)_(\d)_(conv|bn)")
MOBILENET_LAYER = re.compile(r"(?:expanded_conv|block_(\d+))_(\w+?)(_BN)?")
MOBILENET_STEM = {
    "Conv1": "features.0.0",
    "bn_Conv1": "features.0.1",
    "Conv_1": "features.18.0",
    "Conv_1_bn": "features.18.1",
}


@dataclass(frozen=True)
class Distributed:
    """A network that Keras distributes.

    Args:
        make: Its maker.
        file: The file of its weights.
        rename: From a layer's name there to the name in torchvision.
        scale: What its input is of ours, in units and offset, for each channel of ours.
        reverse: Whether its channels are blue, green, red.
    """

    make: Callable[..., keras.Model]
    file: str
    rename: Callable[[str], str]
    scale: tuple[np.ndarray, np.ndarray]
    reverse: bool


def has_imagenet_weights(backbone: str) -> bool:
    """Whether Keras distributes weights for a backbone.

    Args:
        backbone: Registered name.

    Example:
        >>> has_imagenet_weights("resnet50"), has_imagenet_weights("micro")
        (True, False)
    """
    return backbone in DISTRIBUTED


def imagenet_state(backbone: str) -> dict[str, np.ndarray]:
    """Weights of a backbone, trained on ImageNet, under torchvision's names.

    Args:
        backbone: Registered name.

    Raises:
        UserError: If Keras distributes none for it, or they can neither be found nor downloaded.

    Example:
        >>> imagenet_state("resnet50")["conv1.weight"].shape
        (64, 3, 7, 7)
    """
    if backbone not in DISTRIBUTED:
        raise UserError(
            f"model.weights=imagenet: Keras distributes no weights for {backbone}, but for "
            f"{', '.join(DISTRIBUTED)}; give a state_dict of torchvision or timm as a file"
        )
    source = DISTRIBUTED[backbone]
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)  # Keras sets none, and a network that is silent goes on so
    try:
        network = source.make(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    except Exception as error:
        # Keras raises a bare Exception where it cannot download.
        folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
        reason = str(error).splitlines()[0]
        raise UserError(
            f"model.weights=imagenet: Keras could not get {source.file} ({reason}); put this file "
            f"into {folder}, or train without it by model.weights=none"
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
    return absorb(network, source)


def absorb(network: keras.Model, source: Distributed) -> dict[str, np.ndarray]:
    """The weights of Keras' network for this package's arithmetic, under torchvision's names.

    Args:
        network: Keras' network without its classifier.
        source: What kind of network that is.
    """
    state: dict[str, np.ndarray] = {}
    biases: dict[str, np.ndarray] = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for part, array in _normalisation(layer):
                state[f"{source.rename(layer.name)}.{part}"] = array
        elif layer.weights:
            key = source.rename(layer.name)
            kernel, *bias = layer.get_weights()
            layout = DEPTHWISE if isinstance(layer, keras.layers.DepthwiseConv2D) else KERNEL
            state[f"{key}.weight"] = kernel.transpose(layout.to_torch)
            if bias:
                biases[key] = bias[0]
    first = next(iter(state))
    state[first], constant = _our_units(state[first], source)
    stem = first.removesuffix(".weight")
    biases[stem] = biases.get(stem, 0) + constant
    for key, bias in biases.items():
        state[f"{_normalisation_after(key)}.running_mean"] -= bias
    return state


def _normalisation(layer: keras.layers.BatchNormalization) -> Iterator[tuple[str, np.ndarray]]:
    scale, offset, mean, variance = layer.get_weights()
    yield "weight", scale
    yield "bias", offset
    yield "running_mean", mean
    yield "running_var", variance + (layer.epsilon - EPSILON)


def _our_units(kernel: np.ndarray, source: Distributed) -> tuple[np.ndarray, np.ndarray]:
    """A stem for normalised RGB, and what its units' offset adds to its output."""
    kernel = kernel[:, ::-1] if source.reverse else kernel
    scale, offset = source.scale
    constant = np.einsum("ochw,c->o", kernel, offset)
    return (kernel * scale[:, None, None]).astype("float32"), constant.astype("float32")


def _normalisation_after(convolution: str) -> str:
    """The key of the normalisation that follows a convolution, in torchvision's names."""
    head, _, last = convolution.rpartition(".")
    if last.startswith("conv"):
        return f"{head}.bn{last[4:]}".lstrip(".")
    return f"{head}.{int(last) + 1}"


def _resnet_name(layer: str) -> str:
    found = RESNET_LAYER.fullmatch(layer)
    if found is None:
        return {"conv1_conv": "conv1", "conv1_bn": "bn1"}[layer]
    stage, block, place, kind = found.groups()
    part = f"{kind}{place}" if place != "0" else f"downsample.{int(kind == 'bn')}"
    return f"layer{int(stage) - 1}.{int(block) - 1}.{part}"


def _mobilenet_name(layer: str) -> str:
    if layer in MOBILENET_STEM:
        return MOBILENET_STEM[layer]
    found = MOBILENET_LAYER.fullmatch(layer)
    assert found is not None, layer
    number, part, norm = found[1], found[2], found[3] is not None
    units = ["depthwise", "project"] if number is None else ["expand", "depthwise", "project"]
    unit = units.index(part)
    # The projection has no unit of its own, so that its norm counts as the next.
    place = f"{unit}.{int(norm)}" if part != "project" else f"{unit + int(norm)}"
    return f"features.{1 + int(number or 0)}.conv.{place}"


def _units(scale: float, offset: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """What Keras' units are of normalised RGB, where they are `scale * pixel + offset`."""
    pixel, mean = 255 * np.array(IMAGENET.deviation), 255 * np.array(IMAGENET.mean)
    return scale * pixel, scale * mean + np.array(offset)


CAFFE = _units(1.0, tuple(-mean for mean in reversed(CAFFE_MEAN)))
SYMMETRIC = _units(1 / 127.5, (-1.0, -1.0, -1.0))
DISTRIBUTED = {
    "resnet50": Distributed(
        keras.applications.ResNet50,
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        _resnet_name,
        CAFFE,
        reverse=True,
    ),
    "resnet101": Distributed(
        keras.applications.ResNet101,
        "resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
        _resnet_name,
        CAFFE,
        reverse=True,
    ),
    "mobilenetv2": Distributed(
        keras.applications.MobileNetV2,
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        _mobilenet_name,
        SYMMETRIC,
        reverse=False,
    ),
}
