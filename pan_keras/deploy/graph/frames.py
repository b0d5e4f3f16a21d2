"""Frames and frame differences of segments, from which cues are computed."""

from typing import Any

import keras
import numpy as np
from keras import ops

from pan_keras.backbones.input_normalisation import InputNormalisation


class Stacks:
    """Symbolic frames and frame differences of all segments, each computed once.

    Args:
        frames: `(N * m, H, W, 3)`, bytes.
        stack: Adjacent frames per segment, m.
    """

    def __init__(self, frames: Any, stack: int):
        _, height, width, _ = frames.shape
        stacks = ops.reshape(frames, (-1, stack, height, width * 3))
        # Cast before slicing: runtimes slice bytes slowly.
        self._stacks = ops.cast(stacks, "float32")
        self._differences: dict[tuple[int, int], Any] = {}

    def frame(self, index: int) -> Any:
        """Returns one frame of each stack, `(N, 1, H, W * 3)`."""
        # A slice of length one keeps the axis and is a single operation on phones.
        return self._stacks[:, index : index + 1]

    def differences(self, first: int, last: int) -> Any:
        """Returns differences `(N, pairs, H, W * 3)`, earlier minus later, of a range of frames."""
        if (first, last) not in self._differences:
            suffix = f"_{len(self._differences)}" if self._differences else ""
            whole = first == 0 and last == self._stacks.shape[1] - 1
            seen = self._stacks if whole else self._stacks[:, first : last + 1]
            layer = FrameDifferences(dtype="float32", name=f"pa_differences{suffix}")
            self._differences[first, last] = layer(seen)
        return self._differences[first, last]


@keras.saving.register_keras_serializable(package="pan_keras")
class FrameDifferences(keras.layers.Layer):
    """Subtracts from each frame the one after it.

    Computed by one convolution with the constant kernel (1, -1) along time; slices and a
    subtraction would copy the frames twice more.

    Input shape:
        `(N, m, H, W * 3)`, frames as float.

    Output shape:
        `(N, m - 1, H, W * 3)`.

    Example:
        >>> FrameDifferences()(np.ones((8, 4, 56, 56 * 3))).shape
        (8, 3, 56, 168)
    """

    def call(self, stacks: Any) -> Any:
        kernel = np.ones((2, 1, stacks.shape[-1], 1), "float32")
        kernel[1] = -1
        return ops.depthwise_conv(stacks, ops.cast(kernel, stacks.dtype))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        segments, stack, height, width = input_shape
        return (segments, stack - 1, height, width)


@keras.saving.register_keras_serializable(package="pan_keras")
class PixelScaling(keras.layers.Layer):
    """Normalises the colours of raw frames in one operation.

    A row of pixels is treated as channels, since three channels leave most SIMD lanes idle.

    Args:
        multiplier: Factor of a byte, per channel in RGB order.
        offset: Offset added after the factor.
        is_reversed: Whether the output has blue first.

    Input shape:
        `(N, 1, H, W * 3)`, RGB in 0..255 as float.

    Output shape:
        `(N, H, W, 3)`.

    Example:
        >>> from pan_keras.backbones.input_normalisation import IMAGENET
        >>> PixelScaling.of(IMAGENET, "normalisation")(np.ones((8, 1, 56, 56 * 3))).shape
        (8, 56, 56, 3)
    """

    def __init__(
        self,
        multiplier: tuple[float, ...],
        offset: tuple[float, ...],
        *,
        is_reversed: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.multiplier = tuple(multiplier)
        self.offset = tuple(offset)
        self.is_reversed = is_reversed

    @classmethod
    def of(cls, normalisation: InputNormalisation, name: str) -> "PixelScaling":
        """Makes the layer for a network's normalisation."""
        return cls(
            normalisation.multiplier,
            normalisation.offset,
            is_reversed=normalisation.is_reversed,
            dtype="float32",
            name=name,
        )

    @classmethod
    def of_differences(cls, normalisation: InputNormalisation, name: str) -> "PixelScaling":
        """Makes the layer for frame differences, in which a network's offset cancels."""
        return cls(
            normalisation.multiplier,
            (0.0,) * len(normalisation.multiplier),
            is_reversed=normalisation.is_reversed,
            dtype="float32",
            name=name,
        )

    def call(self, rows: Any) -> Any:
        _, _, height, width = rows.shape
        shape = (-1, height, width // 3, 3)
        if self.is_reversed:
            # A convolution over the colours can be quantised; a reversal cannot.
            kernel = np.diag(self.multiplier)[None, None, :, ::-1]
            scaled = ops.conv(ops.reshape(rows, shape), ops.cast(kernel, rows.dtype))
            return ops.add(scaled, ops.cast(self.offset[::-1], rows.dtype))
        kernel = np.tile(self.multiplier, width // 3)[None, None, :, None]
        scaled = ops.depthwise_conv(rows, ops.cast(kernel, rows.dtype))
        offset = np.tile(self.offset, width // 3)
        return ops.reshape(ops.add(scaled, ops.cast(offset, rows.dtype)), shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        segments, _, height, width = input_shape
        return (segments, height, width // 3, 3)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "multiplier": list(self.multiplier),
            "offset": list(self.offset),
            "is_reversed": self.is_reversed,
        }
