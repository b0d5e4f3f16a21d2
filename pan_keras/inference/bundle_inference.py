"""Logits of a bundle's model for a data set of views."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pan_keras.runtime import Recogniser

if TYPE_CHECKING:
    import tensorflow as tf


class BundleInference:
    """Runs a model file of a bundle over batches, as `Inference` runs a Keras model.

    Args:
        recogniser: The model file, loaded.
    """

    def __init__(self, recogniser: Recogniser):
        self.recogniser = recogniser

    def __call__(
        self, dataset: "tf.data.Dataset", _batch: int, advance: Callable[[int], None] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Logits of each view.

        Args:
            dataset: Batches of (frames, index of the clip), as `evaluation_dataset` gives.
            _batch: Rows of a full batch; the model takes one clip at a time.
            advance: Called with the number of views done after each batch.

        Returns:
            Logits (views, classes) float32 and index (views,) int32, in the order of the data set.
        """
        logits = [np.zeros((0, len(self.recogniser.bundle.labels)), "float32")]
        indices = [np.zeros((0,), "int32")]
        for frames, index in dataset.as_numpy_iterator():
            logits.extend(self.recogniser.logits(clip)[None] for clip in frames)
            indices.append(index)
            if advance is not None:
                advance(len(frames))
        return np.concatenate(logits), np.concatenate(indices)
