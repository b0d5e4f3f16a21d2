"""Logits of a model for a data set of views, one compiled call for all batches."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


class Inference:
    """Runs a model over batches, the last and smaller one included, without compiling twice.

    Args:
        model: A video classifier.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self._call = tf.function(lambda frames: model(frames, training=False))

    def __call__(
        self, dataset: tf.data.Dataset, batch: int, advance: Callable[[int], None] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Logits of each view.

        Args:
            dataset: Batches of (frames, index of the clip), as `evaluation_dataset` gives.
            batch: Rows of a full batch; a smaller one is filled up with zeros.
            advance: Called with the number of views done after each batch.

        Returns:
            Logits (views, classes) float32 and index (views,) int32, in the order of the data set.
        """
        logits = [np.zeros((0, self.model.output_shape[-1]), "float32")]
        indices = [np.zeros((0,), "int32")]
        for frames, index in dataset.as_numpy_iterator():
            missing = batch - len(frames)
            padded = np.pad(frames, [(0, missing)] + [(0, 0)] * (frames.ndim - 1))
            logits.append(self._call(padded).numpy()[: len(frames)])
            indices.append(index)
            if advance is not None:
                advance(len(frames))
        return np.concatenate(logits), np.concatenate(indices)
