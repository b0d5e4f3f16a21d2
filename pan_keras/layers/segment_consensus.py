"""Segment consensus: the mean over segments, the paper's baseline for VAP."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="pan_keras")
class SegmentConsensus(keras.layers.Layer):
    """Averages the features of a clip's segments.

    Before a linear classifier this equals averaging the segments' scores. It is independent of the
    order of the segments.

    Input shape:
        `(B, N, d)`.

    Output shape:
        `(B, d)`.

    Example:
        >>> SegmentConsensus()(keras.random.normal((2, 8, 512))).shape
        (2, 512)

    References:
        Wang et al., "Temporal Segment Networks", ECCV 2016. PAN paper, Table IV.
    """

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        return ops.mean(features, axis=1)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        # Keras rejects its inherited `get_config` if dtype was given as a policy object.
        return dict(super().get_config())
