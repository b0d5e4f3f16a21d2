"""Warping: samples a map at positions displaced by a flow."""

from typing import Any

import keras
from keras import ops

Shapes = list[tuple[Any, ...]]


@keras.saving.register_keras_serializable(package="pan_keras")
class Warping(keras.layers.Layer):
    """Samples a map at displaced positions with bilinear interpolation.

    `output[y, x] = map[y + flow_y, x + flow_x]`: the flow from one frame to the next aligns the
    next frame with the first. Maps are padded with their border values. Gradients reach the map,
    and the flow wherever it points inside.

    Input shape:
        A map `(B, H, W, C)` and a flow `(B, H, W, 2)`, x first, in positions; as a list.

    Output shape:
        `(B, H, W, C)`.

    Raises:
        ValueError: If the two differ in height or width, or the flow does not have two channels.

    Example:
        >>> later, flow = keras.random.normal((2, 64, 64, 3)), keras.random.normal((2, 64, 64, 2))
        >>> Warping()([later, flow]).shape
        (2, 64, 64, 3)

    References:
        Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation with Deep Networks", CVPR
        2017, Sec. 4 and the supplement (bilinear warping and its derivatives).
    """

    def build(self, input_shape: Shapes) -> None:
        maps, flow = input_shape
        if flow[-1] != 2 or maps[1:3] != flow[1:3]:
            raise ValueError(
                f"{self.name}: a map {maps} and a flow {flow}; a flow has the map's height and "
                "width and two channels"
            )

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        maps, flow = inputs
        _, height, width, channels = ops.shape(maps)
        # Half precision cannot represent neighbouring positions beyond 2,048.
        flow = ops.cast(flow, "float32")
        x = flow[..., 0] + ops.arange(width, dtype="float32")
        y = flow[..., 1] + ops.arange(height, dtype="float32")[:, None]
        left, top = ops.floor(x), ops.floor(y)
        right_share, lower_share = x - left, y - top
        bottom, right = (ops.cast(side - 1, "float32") for side in (height, width))
        flat = ops.reshape(maps, (-1, height * width, channels))

        def read(row: Any, column: Any, share: Any) -> Any:
            row = ops.cast(ops.clip(row, 0, bottom), "int32")
            column = ops.cast(ops.clip(column, 0, right), "int32")
            places = ops.reshape(row * width + column, (-1, height * width, 1))
            values = ops.take_along_axis(flat, places, axis=1)
            share = ops.cast(ops.reshape(share, (-1, height * width, 1)), maps.dtype)
            return values * share

        warped = (
            read(top, left, (1 - lower_share) * (1 - right_share))
            + read(top, left + 1, (1 - lower_share) * right_share)
            + read(top + 1, left, lower_share * (1 - right_share))
            + read(top + 1, left + 1, lower_share * right_share)
        )
        return ops.reshape(warped, (-1, height, width, channels))

    def compute_output_shape(self, input_shape: Shapes) -> tuple[Any, ...]:
        return input_shape[0]
