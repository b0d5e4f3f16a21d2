"""What can be checked of a conversion without PyTorch: that the file holds what was read.

That the layers compute what the authors' do is a property of the layers, not of a file: the tests
compare them with the authors' outputs. What can go wrong with a file is that a weight is lost,
rounded, transposed or mistaken for another, and that its numbers are useless.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from pan_keras.convert.conversion import Branch
from pan_keras.convert.weights import named_weights
from pan_keras.models import VideoNetwork

PIXELS = 64
WEIGHTS = "model.weights.h5"  # inside the file, by the format of Keras


def check_saved(model: keras.Model, branches: Sequence[Branch], file: Path) -> dict[str, Any]:
    """Reads the weights of a saved model back and compares them with the checkpoints, bit by bit.

    The weights are blotted out first, so that none can pass that the file does not hold. Then
    random maps go through each backbone and its classifier.

    Args:
        model: What was saved; afterwards it has the weights of the file.
        branches: Its networks, with the arrays that they came from.
        file: The `.keras` file.

    Returns:
        The checks and what they found, for `conversion.json`.

    Raises:
        RuntimeError: If a check fails: a bug, not a mistake of the user.
    """
    for variable in model.variables:
        if variable.dtype == "float32":
            variable.assign(np.full(variable.shape, np.nan, "float32"))
    read_weights(model, file)
    compared = 0
    for branch in branches:
        for weight in named_weights(branch.network):
            written = keras.ops.convert_to_numpy(weight.variable)
            if not np.array_equal(written, weight.as_keras(branch.state[weight.key])):
                raise RuntimeError(
                    f"{file}: {weight.variable.path} is not {weight.key} of the source"
                )
            compared += 1
    largest = [float(np.abs(logits_of_noise(branch.network)).max()) for branch in branches]
    if not np.isfinite(largest).all():
        raise RuntimeError(f"{file}: the logits are not finite")
    return {
        "weights_read_back_equal": compared,
        "variances_not_negative": True,
        "weights_finite": True,
        "largest_logit_of_noise": largest,
    }


def read_weights(model: keras.Model, file: Path) -> None:
    """Sets the weights of a model to those of a `.keras` file."""
    # Keras reads them inside the archive, where each step back starts again at the beginning:
    # four times as slow.
    with TemporaryDirectory() as folder, zipfile.ZipFile(file) as archive:
        model.load_weights(archive.extract(WEIGHTS, folder))


def logits_of_noise(network: VideoNetwork) -> np.ndarray:
    """Logits (1, classes) of small random maps at the place of the normalised cues."""
    channels = network.backbone.input_shape[-1]
    shape = (network.segments, PIXELS, PIXELS, channels)
    maps = np.random.default_rng(0).standard_normal(shape, "float32")
    features = keras.ops.expand_dims(network.backbone(maps, training=False), 0)
    pooling = network.get_layer(network.options["aggregation"])
    return keras.ops.convert_to_numpy(network.get_layer("logits")(pooling(features)))
