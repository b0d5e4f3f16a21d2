"""Correlation of two feature maps over a grid of displacements."""

from typing import Any

import keras
from keras import ops

Shapes = list[tuple[Any, ...]]


@keras.saving.register_keras_serializable(package="pan_keras")
class Correlation(keras.layers.Layer):
    """Computes the mean over channels of the product of a map and a displaced second map.

    `output[y, x, i * D + j] = mean(first[y, x] * second[y + dy, x + dx])` with `dy` and `dx` the
    i-th and j-th multiple of `stride` in -displacement..displacement. The second map is padded with
    zeros.

    Args:
        displacement: Maximum displacement, in positions of the maps.
        stride: Spacing of the displacements; must divide `displacement`.

    Input shape:
        Two maps `(B, H, W, C)`, as a list.

    Output shape:
        `(B, H, W, D * D)` with `D = 2 * displacement / stride + 1`.

    Raises:
        ValueError: If `stride` does not divide `displacement`, or the maps differ in shape.

    Example:
        >>> first, second = keras.random.normal((2, 4, 32, 32, 256))
        >>> Correlation(displacement=20, stride=2)([first, second]).shape
        (4, 32, 32, 441)

    References:
        Dosovitskiy et al., "FlowNet: Learning Optical Flow with Convolutional Networks", ICCV
        2015, Eq. 1 (patches of one position, the sum divided by C).
    """

    def __init__(self, displacement: int = 20, stride: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        if stride < 1 or displacement < 0 or displacement % stride:
            raise ValueError(
                f"stride must divide displacement, got a stride of {stride} and a displacement "
                f"of {displacement}"
            )
        self.displacement = displacement
        self.stride = stride
        self.displacements = 2 * displacement // stride + 1

    def build(self, input_shape: Shapes) -> None:
        first, second = input_shape
        if first[1:] != second[1:]:
            raise ValueError(
                f"{self.name}: maps of shapes {first} and {second}; both must have one shape"
            )

    def call(self, maps: list[keras.KerasTensor]) -> keras.KerasTensor:
        # One matrix product per class of positions modulo the stride covers all pairs at once: on a
        # CPU ten times as fast as a product per displacement, and without products with padding.
        batch, height, width, channels = ops.shape(maps[0])
        step = self.stride
        rows, columns = -(-height // step), -(-width // step)
        first, second = (self._classes(x, rows, columns) for x in maps)
        products = ops.matmul(first, ops.transpose(second, (0, 2, 1))) / channels
        products = ops.reshape(products, (-1, rows, columns, rows, columns))
        sides = ops.transpose(products, (0, 1, 3, 2, 4))  # y, y of the second, x, x of the second
        sides = ops.reshape(sides, (-1, columns, columns, 1))
        sides = self._band(sides, columns)
        count = self.displacements
        sides = self._band(ops.reshape(sides, (-1, rows, rows, columns * count)), rows)
        sides = ops.reshape(sides, (batch, step, step, rows, count, columns, count))
        found = ops.transpose(sides, (0, 3, 1, 5, 2, 4, 6))
        found = ops.reshape(found, (batch, rows * step, columns * step, count * count))
        return found[:, :height, :width]

    def _classes(self, x: Any, rows: Any, columns: Any) -> Any:
        """The positions of each class modulo the stride: `(B * stride**2, rows * columns, C)`."""
        batch, *_, channels = ops.shape(x)
        step = self.stride
        if step == 1:
            return ops.reshape(x, (-1, rows * columns, channels))
        x = ops.pad(x, ((0, 0), (0, step - 1), (0, step - 1), (0, 0)))
        x = x[:, : rows * step, : columns * step]
        x = ops.reshape(x, (batch, rows, step, columns, step, channels))
        x = ops.transpose(x, (0, 2, 4, 1, 3, 5))
        return ops.reshape(x, (-1, rows * columns, channels))

    def _band(self, x: Any, side: Any) -> Any:
        """Extracts a band of diagonals `(G, side, D, C)` from square matrices `(G, side, side, C)`.

        Reading rows one value longer than they were written turns diagonals into columns.
        """
        groups, _, _, channels = ops.shape(x)
        reach = self.displacement // self.stride
        length = side + 2 * reach
        x = ops.pad(x, ((0, 0), (0, 1), (reach, reach), (0, 0)))
        x = ops.reshape(x, (groups, (side + 1) * length, channels))[:, : side * (length + 1)]
        x = ops.reshape(x, (groups, side, length + 1, channels))
        return x[:, :, : self.displacements]

    def compute_output_shape(self, input_shape: Shapes) -> tuple[Any, ...]:
        return (*input_shape[0][:3], self.displacements**2)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "displacement": self.displacement,
            "stride": self.stride,
        }
