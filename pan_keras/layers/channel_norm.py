"""Channel norm: the Euclidean norm over the channels at each position."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="pan_keras")
class ChannelNorm(keras.layers.Layer):
    """Computes the Euclidean norm over the channels at each position.

    Where all channels are zero, its gradient is zero instead of undefined.

    Input shape:
        `(B, H, W, C)`.

    Output shape:
        `(B, H, W, 1)`.

    Example:
        >>> ChannelNorm()(keras.random.normal((2, 64, 64, 3))).shape
        (2, 64, 64, 1)

    References:
        Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation with Deep Networks", CVPR
        2017, Fig. 2 (brightness error and flow magnitude).
    """

    def call(self, maps: keras.KerasTensor) -> keras.KerasTensor:
        # Squares overflow in float16 from 256 on.
        squares = ops.sum(ops.square(ops.cast(maps, "float32")), axis=-1, keepdims=True)
        is_zero = squares == 0
        norm = ops.where(is_zero, 0.0, ops.sqrt(ops.where(is_zero, 1.0, squares)))
        return ops.cast(norm, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*input_shape[:-1], 1)
