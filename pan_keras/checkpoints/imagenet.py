"""Adapts the ImageNet weights distributed by Keras to this package's backbones.

Keras' networks differ in input scaling, batch-norm epsilon, and biases before batch normalisation.
These differences are folded into the weights, exactly except at the border, which depends on the
padding. Two differences remain: Keras' ResNets have a block's stride on its first convolution
instead of the second, and its MobileNetV2 pads asymmetrically. The weights therefore serve as
initialisation for training, not as an image classifier.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import keras
import numpy as np

from pan_keras import backbones
from pan_keras.backbones import EPSILON, InputNormalisation, KerasApplication
from pan_keras.checkpoints.weights import DEPTHWISE, KERNEL
from pan_keras.errors import UserError

PATIENCE = 30  # seconds without data after which a download fails


def has_imagenet_weights(backbone: str) -> bool:
    """Returns whether Keras distributes weights for a backbone.

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
    """Returns the path at which Keras caches its weights for a backbone.

    Args:
        backbone: Registered name of a backbone with such weights.

    Returns:
        The file, which may not exist yet.

    Example:
        >>> imagenet_file("resnet50").name
        'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5'
    """
    source = backbones.get(backbone).pretrained
    assert source is not None
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models" / source.file


def can_start_from_imagenet(backbone: str) -> bool:
    """Returns whether ImageNet weights are on disk, and downloads them if they are not.

    Before a download, it says on stderr what is downloaded, and how to do without.

    Args:
        backbone: Registered name.

    Returns:
        True if they are on disk now. A failed download is not retried.

    Example:
        >>> can_start_from_imagenet("micro")
        False
    """
    if not has_imagenet_weights(backbone):
        return False
    return imagenet_file(backbone).is_file() or _downloaded(backbone, imagenet_file(backbone))


@cache
def _downloaded(backbone: str, file: Path) -> bool:
    print(  # noqa: T201
        f"downloading the ImageNet weights of {backbone} into {file.parent}, once; "
        "--set model.weights=none trains from random weights instead",
        file=sys.stderr,
        flush=True,
    )
    try:
        imagenet_state(backbone)
    except UserError:
        return False
    return file.is_file()


def imagenet_state(backbone: str) -> dict[str, np.ndarray]:
    """Returns a backbone's ImageNet weights under torchvision's names.

    Args:
        backbone: Registered name.

    Raises:
        UserError: If Keras distributes none for it, or they can be neither found nor downloaded.

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
    socket.setdefaulttimeout(PATIENCE)  # Keras sets none: a stalled download would hang
    try:
        # Keras reports a download on stdout, which belongs to --json.
        with redirect_stdout(sys.stderr):
            network = source.make(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    except Exception as error:
        # Keras raises a bare Exception if the download fails.
        folder = imagenet_file(backbone).parent
        reason = str(error).splitlines()[0]
        raise UserError(
            f"model.weights=imagenet: Keras could not download {source.file} ({reason}); put "
            "this file "
            f"into {folder}, or set model.weights=none"
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
    return absorb(network, source, registered.kind.normalisation)


def absorb(
    network: keras.Model, source: KerasApplication, ours: InputNormalisation
) -> dict[str, np.ndarray]:
    """Converts a Keras network's weights for this package, under torchvision's names.

    Args:
        network: Keras' network without its classifier.
        source: Declaration of that network.
        ours: Input normalisation of the backbone that receives the weights.
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
    """Returns a stem rescaled for our input, and what the input's offset adds to its output."""
    scale, offset = relative_units(theirs, ours)
    kernel = kernel[:, ::-1] if theirs.is_reversed else kernel
    constant = np.einsum("ochw,c->o", kernel, offset)
    kernel = kernel * scale[:, None, None]
    kernel = kernel[:, ::-1] if ours.is_reversed else kernel
    return kernel.astype("float32"), constant.astype("float32")


def relative_units(
    theirs: InputNormalisation, ours: InputNormalisation
) -> tuple[np.ndarray, np.ndarray]:
    """Returns scale and offset per RGB channel, such that `theirs = scale * ours + offset`."""
    scale = np.array(theirs.multiplier) / np.array(ours.multiplier)
    return scale, np.array(theirs.offset) - scale * np.array(ours.offset)
