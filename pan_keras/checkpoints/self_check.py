"""Verifies a conversion without PyTorch.

Weights that are lost, rounded, transposed or swapped are detected by a bit-exact comparison of the
saved file with the source. Errors in the layers show in the logits: those of Keras are compared
with an independent NumPy implementation.
"""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from pan_keras.backbones import MobileNetV2, ResNet
from pan_keras.checkpoints.conversion import Branch
from pan_keras.checkpoints.reference import Reference
from pan_keras.checkpoints.weights import named_weights
from pan_keras.errors import UserError
from pan_keras.models import VideoNetwork

PIXELS = 64
# Backbones that the reference implements. For others only the weights are compared.
COVERED = (ResNet, MobileNetV2)
# Largest difference of logits, relative to the largest logit if that exceeds 1. Rounding in
# float32 causes about 1e-6.
TOLERANCE = 1e-3
WEIGHTS = "model.weights.h5"  # name of the entry in a `.keras` file


def check_saved(model: keras.Model, branches: Sequence[Branch], file: Path) -> dict[str, Any]:
    """Compares a saved model's weights and logits with the checkpoints.

    Weights are set to NaN before reading, so a weight missing from the file cannot go unnoticed.
    Random maps are then passed through each backbone and classifier, in Keras and in `Reference`.

    Args:
        model: The model that was saved; afterwards it has the weights of the file.
        branches: Its networks, with their source arrays.
        file: The `.keras` file.

    Returns:
        Results of the checks for `conversion.json`; the difference of logits is None for a
        backbone that the reference does not implement.

    Raises:
        UserError: If a checkpoint's logits are not finite.
        RuntimeError: If a check fails, which is a bug rather than a user error.

    Example:
        >>> conversion = convert("PAN_Lite_resnet50.pth.tar")
        >>> conversion.model.save("pan_lite.keras")
        >>> checks = check_saved(conversion.model, conversion.branches, Path("pan_lite.keras"))
        >>> checks["weights_finite"]
        True
    """
    for variable in model.variables:
        if variable.dtype == "float32":
            variable.assign(np.full(variable.shape, np.nan, "float32"))
    read_weights(model, file)
    compared = sum(_compare_weights(branch, file) for branch in branches)
    found = [_compare_logits(branch) for branch in branches]
    return {
        "weights_read_back_equal": compared,
        "variances_not_negative": True,
        "weights_finite": True,
        "largest_logit_of_noise": [largest for largest, _ in found],
        "largest_logit_difference": [difference for _, difference in found],
    }


def read_weights(model: keras.Model, file: Path) -> None:
    """Sets the weights of a model to those of a `.keras` file."""
    # Keras reads the weights inside the archive, where each backward seek decompresses from the
    # start: four times as slow. The copy goes beside the file, because /tmp may be in memory.
    with TemporaryDirectory(dir=file.parent) as folder, zipfile.ZipFile(file) as archive:
        model.load_weights(archive.extract(WEIGHTS, folder))


def _compare_weights(branch: Branch, file: Path) -> int:
    """Returns the number of weights after checking that all equal the checkpoint's."""
    weights = named_weights(branch.network)
    for weight in weights:
        written = keras.ops.convert_to_numpy(weight.variable)
        if not np.array_equal(written, weight.as_keras(branch.state[weight.key])):
            raise RuntimeError(f"{file}: {weight.variable.path} is not {weight.key} of the source")
    return len(weights)


def _compare_logits(branch: Branch) -> tuple[float, float | None]:
    """Returns the largest logit for random maps, and the difference from the reference, if any."""
    network = branch.network
    shape = (network.segments, PIXELS, PIXELS, network.backbone.input_shape[-1])
    maps = np.random.default_rng(0).standard_normal(shape, "float32")
    found = logits_of_maps(network, maps)
    expected = found
    if isinstance(network.backbone, COVERED):
        with np.errstate(all="ignore"):
            expected = Reference(branch.state, network.segments).logits(np.moveaxis(maps, -1, 1))
    largest = float(np.abs(expected).max())
    if not np.isfinite(largest):
        raise UserError(
            f"{branch.path}: its weights are so large that the logits are not finite; "
            "give another checkpoint"
        )
    if not isinstance(network.backbone, COVERED):
        return largest, None
    difference = float(np.abs(found - expected).max())
    if not difference <= TOLERANCE * max(1, largest):
        raise RuntimeError(
            f"{branch.path}: logits of up to {largest} differ from the reference by {difference}"
        )
    return largest, difference


def logits_of_maps(network: VideoNetwork, maps: np.ndarray) -> np.ndarray:
    """Computes Keras' logits `(1, classes)` for maps `(N, H, W, C)` in place of normalised cues."""
    # On the CPU, because GPUs may compute convolutions in TF32, with 10-bit mantissas.
    with keras.device("cpu:0"):
        clips = network.layout == "clip"
        maps = keras.ops.expand_dims(maps, 0) if clips else maps
        for part in parts_of(network.backbone):
            maps = part(maps, training=False)
        if not clips:
            pooling = network.get_layer(network.options["aggregation"])
            maps = pooling(keras.ops.expand_dims(maps, 0))
        return keras.ops.convert_to_numpy(network.get_layer("logits")(maps))


def parts_of(backbone: keras.Model) -> Iterator[keras.Model]:
    """Splits a backbone at every single-tensor boundary.

    Keras keeps all feature maps of a model until it has finished: those of a ResNet-50 are as large
    as its weights. With parts, only each part's output is kept.

    Args:
        backbone: A functional model with one input and one output.

    Yields:
        Models that compose to the backbone, each applied to the previous one's output.

    Example:
        >>> for part in parts_of(network.backbone):
        ...     maps = part(maps, training=False)  # the last: (B * N, features)
    """
    last_use = {
        id(tensor): number
        for number, layer in enumerate(backbone.layers)
        for tensor in keras.tree.flatten(layer.input)
    }
    start, needed = backbone.input, 0
    for number, layer in enumerate(backbone.layers[1:], start=1):
        if needed <= number:
            yield keras.Model(start, layer.output)
            start = layer.output
        needed = max(needed, last_use.get(id(layer.output), number))
