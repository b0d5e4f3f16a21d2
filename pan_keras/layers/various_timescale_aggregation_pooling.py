"""Various-timescale aggregation pooling (VAP): segment features to a video feature."""

from typing import Any

import keras
from keras import ops
from keras.initializers import RandomNormal

from pan_keras.layers.timescales import TimescalePooling, pool_timescales, timescale_members


@keras.saving.register_keras_serializable(package="pan_keras")
class VariousTimescaleAggregationPooling(TimescalePooling):
    """Pools a clip's segment features at several timescales and sums them with learnt weights.

    Dilated max pooling turns the N segment features into T timescale features (see
    `pan_keras.layers.timescale_members` for the segments of each). Their weights are computed from
    their means over d by two fully connected layers without biases and a softmax.

    Args:
        expansion: Width of the hidden layer in multiples of T, alpha in the paper.
        stddev: Standard deviation of the normal initialisation of both matrices; by default the
            initialisation is that of Glorot and Bengio. The paper's released code uses 0.001.

    Call arguments:
        features: Features of the segments of each clip.
        return_weights: Whether to return the weights of the timescales with the video feature.

    Input shape:
        `(B, N, d)`, N known and at least 2.

    Output shape:
        `(B, d)`; with `return_weights` a pair of it and the weights `(B, T)`, which are positive
        and sum to 1. T = N - 1 if N is a power of two.

    Raises:
        ValueError: If `expansion` or N is too small.

    Example:
        >>> features = keras.random.normal((2, 8, 512))
        >>> VariousTimescaleAggregationPooling()(features).shape
        (2, 512)
        >>> _, weights = VariousTimescaleAggregationPooling()(features, return_weights=True)
        >>> weights.shape
        (2, 7)

    References:
        PAN paper, Sec. IV-B (Eq. 11-14), Fig. 4 and 6.
    """

    def __init__(self, expansion: int = 4, stddev: float | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if expansion < 1:
            raise ValueError(f"expansion must be at least 1, got {expansion}")
        self.expansion = expansion
        self.stddev = stddev

    def build(self, input_shape: tuple[Any, ...]) -> None:
        count = len(timescale_members(input_shape[1]))
        hidden = self.expansion * count
        self.w1 = self._add_matrix((count, hidden), "w1")
        self.w2 = self._add_matrix((hidden, count), "w2")

    def _add_matrix(self, shape: tuple[int, int], name: str) -> keras.Variable:
        initializer = "glorot_uniform" if self.stddev is None else RandomNormal(0.0, self.stddev)
        return self.add_weight(shape=shape, initializer=initializer, name=name)

    def call(
        self, features: keras.KerasTensor, return_weights: bool = False
    ) -> keras.KerasTensor | tuple[keras.KerasTensor, keras.KerasTensor]:
        timescales = pool_timescales(features)
        descriptors = ops.mean(timescales, axis=-1)
        hidden = ops.relu(ops.matmul(descriptors, self.w1))
        weights = self._softmax(ops.matmul(hidden, self.w2))
        output = ops.sum(weights[:, :, None] * timescales, axis=1)
        return (output, weights) if return_weights else output

    @staticmethod
    def _softmax(logits: keras.KerasTensor) -> keras.KerasTensor:
        if logits.shape[-1] > 1:
            return ops.softmax(logits)
        # The softmax of a single value is 1, and Keras warns about it; the difference keeps a
        # gradient of zero.
        return logits - logits + 1

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "expansion": self.expansion, "stddev": self.stddev}
