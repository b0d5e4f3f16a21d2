"""Correlation of all pairs of positions at several scales of the second map."""

from typing import Any

import keras
from keras import ops

Shapes = list[tuple[Any, ...]]


@keras.saving.register_keras_serializable(package="pan_keras")
class CorrelationPyramid(keras.layers.Layer):
    """Computes the products of all positions of two maps, and averages at coarser scales.

    Each level halves the resolution of the second map by averaging 2x2 positions; the first map
    keeps its resolution. Products are divided by the square root of the number of channels.

    Args:
        levels: Number of levels.

    Input shape:
        Two maps `(B, H, W, C)`, as a list.

    Output shape:
        A list: level `l` is `(B * H * W, H // 2**l, W // 2**l, 1)`.

    Raises:
        ValueError: If `levels` is below 1.

    Example:
        >>> first, second = keras.random.normal((2, 1, 28, 28, 128))
        >>> [level.shape for level in CorrelationPyramid(levels=2)([first, second])]
        [(784, 28, 28, 1), (784, 14, 14, 1)]

    References:
        Teed, Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020,
        Sec. 3.2.
    """

    def __init__(self, levels: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        if levels < 1:
            raise ValueError(f"levels must be at least 1, got {levels}")
        self.levels = levels

    def call(self, maps: list[keras.KerasTensor]) -> list[keras.KerasTensor]:
        first, second = maps
        _, height, width, channels = ops.shape(first)
        first, second = (ops.reshape(x, (-1, height * width, channels)) for x in (first, second))
        products = ops.matmul(first, ops.transpose(second, (0, 2, 1))) / channels**0.5
        found = [ops.reshape(products, (-1, height, width, 1))]
        while len(found) < self.levels:
            found.append(ops.average_pool(found[-1], 2, strides=2, padding="valid"))
        return found

    def compute_output_shape(self, input_shape: Shapes) -> Shapes:
        batch, height, width, _ = input_shape[0]
        rows = None if None in (batch, height, width) else batch * height * width
        return [
            (rows, *(side if side is None else side >> level for side in (height, width)), 1)
            for level in range(self.levels)
        ]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": self.levels}
