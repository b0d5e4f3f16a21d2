"""Upsampling of flows by an integer factor."""

from typing import Any

import keras
from keras import ops

INTERPOLATIONS = ("bilinear", "aligned", "nearest")


@keras.saving.register_keras_serializable(package="pan_keras")
class Upsampling(keras.layers.Layer):
    """Upsamples maps of any size by an integer factor, without scaling values.

    Args:
        factor: Factor of height and width.
        interpolation: `"bilinear"`, between pixel centres; `"aligned"`, bilinear with aligned
            corners; `"nearest"`.

    Input shape:
        `(B, H, W, C)`.

    Output shape:
        `(B, H * factor, W * factor, C)`.

    Raises:
        ValueError: If there is no such interpolation.

    Example:
        >>> Upsampling(8, "aligned")(keras.random.normal((1, 28, 28, 2))).shape
        (1, 224, 224, 2)
    """

    def __init__(self, factor: int, interpolation: str = "bilinear", **kwargs: Any):
        super().__init__(**kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"interpolation must be one of {INTERPOLATIONS}, got {interpolation!r}"
            )
        self.factor = factor
        self.interpolation = interpolation

    def call(self, maps: keras.KerasTensor) -> keras.KerasTensor:
        # Two matrix products, since Keras's resizing does not support unknown sizes on TensorFlow,
        # nor aligned corners on any backend.
        _, height, width, channels = ops.shape(maps)
        rows, columns = (ops.cast(self._weights(side), maps.dtype) for side in (height, width))
        maps = ops.matmul(rows, ops.reshape(maps, (-1, height, width * channels)))
        maps = ops.matmul(columns, ops.reshape(maps, (-1, width, channels)))
        return ops.reshape(maps, (-1, height * self.factor, width * self.factor, channels))

    def _weights(self, side: Any) -> Any:
        """Interpolation weights of `side` values, `(side * factor, side)`."""
        places = ops.arange(side * self.factor, dtype="float32")
        last = ops.cast(side - 1, "float32")
        if self.interpolation == "aligned":
            places = places * last / ops.cast(side * self.factor - 1, "float32")
        elif self.interpolation == "bilinear":
            places = ops.clip((places + 0.5) / self.factor - 0.5, 0.0, last)
        else:
            places = ops.floor((places + 0.5) / self.factor)
        distances = ops.abs(places[:, None] - ops.arange(side, dtype="float32"))
        return ops.relu(1.0 - distances)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        batch, *sides, channels = input_shape
        return (batch, *(side and side * self.factor for side in sides), channels)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "interpolation": self.interpolation,
        }
