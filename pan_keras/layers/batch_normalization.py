"""Batch normalisation with torch's statistics and support for a backend's fused kernel."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def normalise_batch(
    maps: keras.KerasTensor, scale: keras.KerasTensor, offset: keras.KerasTensor, epsilon: float
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """Normalises maps by their own statistics, with backend-independent operations.

    Args:
        maps: `(..., C)`.
        scale: `(C,)`.
        offset: `(C,)`.
        epsilon: Added to the variance.

    Returns:
        The normalised maps, their mean `(C,)` and their unbiased variance `(C,)`.
    """
    axes = tuple(range(len(maps.shape) - 1))
    wide = ops.cast(maps, keras.backend.result_type(maps.dtype, "float32"))
    mean, variance = ops.moments(wide, axes)
    normalised = ops.batch_normalization(
        wide, mean, variance, axis=-1, offset=offset, scale=scale, epsilon=epsilon
    )
    count = ops.cast(math.prod(ops.shape(maps)[axis] for axis in axes), wide.dtype)
    unbiased = variance * (count / ops.maximum(count - 1, 1))
    return ops.cast(normalised, maps.dtype), mean, unbiased


@keras.saving.register_keras_serializable(package="pan_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """Normalises each channel over batch and positions, with the statistics of torch.

    Keras's layer updates its moving variance with the biased variance of the batch, torch's with
    the unbiased one. This layer follows torch, so that networks trained in either agree. In
    inference it is Keras's layer.

    Args:
        momentum: Share of the old moving statistics kept at each step; 0.9 here is 0.1 in torch.
        epsilon: Added to the variance.

    Attributes:
        kernel: The function used in training, `normalise_batch` by default. `pan_keras.training`
            replaces it in the model being trained by TensorFlow's fused kernel, which is several
            times as fast and not available through `keras.ops`.

    Input shape:
        `(..., C)`.

    Output shape:
        The same.

    Example:
        >>> BatchNormalization()(keras.random.normal((16, 14, 14, 64)), training=True).shape
        (16, 14, 14, 64)

    References:
        Ioffe and Szegedy, "Batch Normalization", ICML 2015.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.kernel: Callable[..., tuple[Any, Any, Any]] = normalise_batch

    def call(self, maps: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        if not (training and self.trainable):
            return super().call(maps, training=False)
        outputs, mean, variance = self.kernel(maps, self.gamma, self.beta, self.epsilon)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            step = ops.stop_gradient(ops.cast(batch, moving.dtype)) - moving
            moving.assign(moving + step * (1 - self.momentum))
        return outputs

    def get_config(self) -> dict[str, Any]:
        base = keras.layers.Layer.get_config(self)
        return {**base, "momentum": self.momentum, "epsilon": self.epsilon}
