"""Adapts the ImageNet weights that Keras distributes to the arithmetic of this package.

Keras' networks take other units, have biases before the normalisations and other epsilons: all
that is absorbed into the weights, exactly but for the outermost pixels, which see the padding.
What remains is that Keras' ResNets have the stride of a block on its first convolution, not on
the second, and that its MobileNetV2 pads on one side more than on the other: the weights are a
start for training, not a network that classifies images.
"""

import os
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import keras
import numpy as np

from pan_keras import backbones
from pan_keras.backbones import EPSILON, InputNormalisation, KerasApplication
from pan_keras.checkpoints.weights import DEPTHWISE, KERNEL
from pan_keras.errors import UserError

PATIENCE = 30  # seconds without a byte after which a download has failed


def has_imagenet_weights(backbone: str) -> bool:
    """Whether Keras distributes weights for a backbone.

    Args:
        backbone: Registered name.

    Returns:
        True where `model.weights=imagenet` works.

    Example:
        >>> has_imagenet_weights("resnet50"), has_imagenet_weights("micro")
        (True, False)
    """
    return backbone in backbones.names() and backbones.get(backbone).pretrained is not None


def imagenet_file(backbone: str) -> Path:
    """Where Keras keeps the weights that it distributes for a backbone.

    Args:
        backbone: Registered name of a backbone with such weights.

    Returns:
        The file, which need not be there.

    Example:
        >>> imagenet_file("resnet50").name
        'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5'
    """
    source = backbones.get(backbone).pretrained
    assert source is not None
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models" / source.file


def can_start_from_imagenet(backbone: str) -> bool:
    """Whether weights of ImageNet are on this machine or can be downloaded.

    Args:
        backbone: Registered name.

    Returns:
        True if they are on disk now. What could not be downloaded is not tried again.

    Example:
        >>> can_start_from_imagenet("micro")
        False
    """
    if not has_imagenet_weights(backbone):
        return False
    return imagenet_file(backbone).is_file() or _downloaded(backbone, imagenet_file(backbone))


@cache
def _downloaded(backbone: str, file: Path) -> bool:
    try:
        imagenet_state(backbone)
    except UserError:
        return False
    return file.is_file()


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
    if not has_imagenet_weights(backbone):
        others = ", ".join(filter(has_imagenet_weights, backbones.names()))
        raise UserError(
            f"model.weights=imagenet: Keras distributes weights for {others}, not for "
            f"{backbone}; give a file with a state_dict of torchvision or timm"
        )
    registered = backbones.get(backbone)
    source = registered.pretrained
    assert source is not None
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)  # Keras sets none, and a network that is silent goes on so
    try:
        network = source.make(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    except Exception as error:
        # Keras raises a bare Exception where it cannot download.
        folder = imagenet_file(backbone).parent
        reason = str(error).splitlines()[0]
        raise UserError(
            f"model.weights=imagenet: Keras could not get {source.file} ({reason}); put this file "
            f"into {folder}, or set model.weights=none"
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
    return absorb(network, source, registered.kind.normalisation)


def absorb(
    network: keras.Model, source: KerasApplication, ours: InputNormalisation
) -> dict[str, np.ndarray]:
    """The weights of Keras' network for this package's arithmetic, under torchvision's names.

    Args:
        network: Keras' network without its classifier.
        source: What kind of network that is.
        ours: How the backbone that takes the weights has its input scaled.
    """
    state: dict[str, np.ndarray] = {}
    biases: dict[str, np.ndarray] = {}
    convolutions: dict[int, str] = {}
    normalised_by: dict[str, str] = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            key = source.torch_key(layer.name)
            normalised_by[convolutions[id(layer.input)]] = key
            for part, array in _normalisation(layer):
                state[f"{key}.{part}"] = array
        elif layer.weights:
            key = convolutions[id(layer.output)] = source.torch_key(layer.name)
            kernel, *bias = layer.get_weights()
            layout = DEPTHWISE if isinstance(layer, keras.layers.DepthwiseConv2D) else KERNEL
            state[f"{key}.weight"] = kernel.transpose(layout.to_torch)
            if bias:
                biases[key] = bias[0]
    stem = next(iter(convolutions.values()))
    kernel, constant = _for_our_units(state[f"{stem}.weight"], source.normalisation, ours)
    state[f"{stem}.weight"] = kernel
    biases[stem] = biases.get(stem, 0) + constant
    for key, bias in biases.items():
        state[f"{normalised_by[key]}.running_mean"] -= bias
    return state


def _normalisation(layer: keras.layers.BatchNormalization) -> Iterator[tuple[str, np.ndarray]]:
    scale, offset, mean, variance = layer.get_weights()
    yield "weight", scale
    yield "bias", offset
    yield "running_mean", mean
    yield "running_var", variance + (layer.epsilon - EPSILON)


def _for_our_units(
    kernel: np.ndarray, theirs: InputNormalisation, ours: InputNormalisation
) -> tuple[np.ndarray, np.ndarray]:
    """A stem for our input, and what the offset of its units adds to its output."""
    scale, offset = relative_units(theirs, ours)
    kernel = kernel[:, ::-1] if theirs.is_reversed else kernel
    constant = np.einsum("ochw,c->o", kernel, offset)
    kernel = kernel * scale[:, None, None]
    kernel = kernel[:, ::-1] if ours.is_reversed else kernel
    return kernel.astype("float32"), constant.astype("float32")


def relative_units(
    theirs: InputNormalisation, ours: InputNormalisation
) -> tuple[np.ndarray, np.ndarray]:
    """What one normalised input is of another, `scale * ours + offset`, per channel of RGB."""
    scale = np.array(theirs.multiplier) / np.array(ours.multiplier)
    return scale, np.array(theirs.offset) - scale * np.array(ours.offset)
