"""Looks up correlations around the target positions of a flow."""

from typing import Any

import keras
from keras import ops

Shapes = list[tuple[Any, ...]]


@keras.saving.register_keras_serializable(package="pan_keras")
class CorrelationLookup(keras.layers.Layer):
    """Looks up each position's correlations in a square around the target of its flow.

    Values are interpolated bilinearly, and are zero outside the map. On level `l` of the pyramid
    the target is divided by `2**l` while the square keeps its number of positions, so it covers a
    larger area.

    Args:
        radius: Radius of the square, in positions of a level.

    Input shape:
        A flow `(B, H, W, 2)`, x first, in positions, and the levels of a `CorrelationPyramid`; as a
        list.

    Output shape:
        `(B, H, W, levels * (2 * radius + 1)**2)`: concatenated levels; within a level the x
        displacement changes slowest.

    Raises:
        ValueError: If `radius` is below 1.

    Example:
        >>> from pan_keras.layers import CorrelationPyramid
        >>> first, second, flow = *keras.random.normal((2, 1, 28, 28, 8)), ops.zeros((1, 28, 28, 2))
        >>> pyramid = CorrelationPyramid(levels=4)([first, second])
        >>> CorrelationLookup(radius=3)([flow, *pyramid]).shape
        (1, 28, 28, 196)

    References:
        Teed, Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
        Sec. 3.2.
    """

    def __init__(self, radius: int = 3, **kwargs: Any):
        # No autocast of the flow: half precision cannot represent neighbouring positions.
        super().__init__(autocast=False, **kwargs)
        if radius < 1:
            raise ValueError(f"radius must be at least 1, got {radius}")
        self.radius = radius

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        flow, *pyramid = inputs
        _, height, width, _ = ops.shape(flow)
        flow = ops.cast(flow, "float32")
        x = ops.reshape(flow[..., 0] + ops.arange(width, dtype="float32"), (-1, 1))
        y = ops.reshape(flow[..., 1] + ops.arange(height, dtype="float32")[:, None], (-1, 1))
        read = [self._read(level, x / 2**i, y / 2**i) for i, level in enumerate(pyramid)]
        return ops.reshape(
            ops.cast(ops.concatenate(read, axis=-1), self.compute_dtype),
            (-1, height, width, len(pyramid) * (2 * self.radius + 1) ** 2),
        )

    def _read(self, level: Any, x: Any, y: Any) -> Any:
        """Reads the squares of a level around centres `(P, 1)`: `(P, (2 * radius + 1)**2)`."""
        _, height, width, _ = ops.shape(level)
        bottom, right = (ops.cast(side - 1, "float32") for side in (height, width))
        # The values of a square interpolate a grid with one more position per side, which is read
        # once.
        side = 2 * self.radius + 2
        offsets = ops.arange(-self.radius, self.radius + 2, dtype="float32")
        left, top = ops.floor(x), ops.floor(y)
        columns, rows = left + offsets, top + offsets  # (P, side)
        inside_x = ops.logical_and(columns >= 0, columns <= right)
        inside_y = ops.logical_and(rows >= 0, rows <= bottom)
        columns = ops.cast(ops.clip(columns, 0, right), "int32")
        rows = ops.cast(ops.clip(rows, 0, bottom), "int32")
        # x changes slowest.
        places = rows[:, None] * width + columns[:, :, None]
        inside = ops.logical_and(inside_x[:, :, None], inside_y[:, None])
        flat = ops.reshape(level, (-1, height * width))
        values = ops.take_along_axis(flat, ops.reshape(places, (-1, side * side)), axis=1)
        values = ops.reshape(ops.cast(values, "float32"), (-1, side, side))
        values = ops.where(inside, values, 0.0)
        right_share, lower_share = (x - left)[..., None], (y - top)[..., None]
        values = values[:, :-1] * (1 - right_share) + values[:, 1:] * right_share
        values = values[..., :-1] * (1 - lower_share) + values[..., 1:] * lower_share
        return ops.reshape(values, (-1, (side - 1) ** 2))

    def compute_output_shape(self, input_shape: Shapes) -> tuple[Any, ...]:
        flow, *pyramid = input_shape
        return (*flow[:3], len(pyramid) * (2 * self.radius + 1) ** 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "radius": self.radius}
