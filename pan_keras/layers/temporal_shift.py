"""The temporal shift: neighbouring segments exchange channels without any arithmetic."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="pan_keras")
class TemporalShift(keras.layers.Layer):
    """Shifts part of the channels by one segment in time.

    The first `1 / fraction` of the channels comes from the next segment, the second from the
    previous one, and the rest is unchanged. The ends of a clip are padded with zeros. A 2D
    convolution after the shift covers three segments.

    Args:
        segments: Segments per clip, N. The batch axis holds whole clips, `B * N` rows.
        fraction: `1 / fraction` of the channels is shifted in each direction.
        causal: If true, both parts come from the previous segment, so that no segment depends on a
            later one, as live video requires.

    Input shape:
        `(B * N, H, W, C)` with C known, clip-major: row `b * N + n` is segment `n` of clip `b`.

    Output shape:
        The same.

    Raises:
        ValueError: If `segments` is below 1 or `fraction` below 2, or there are too few channels to
            shift.

    Example:
        >>> maps = keras.random.normal((2 * 8, 14, 14, 64))
        >>> TemporalShift(segments=8)(maps).shape
        (16, 14, 14, 64)

    References:
        Lin, Gan, Han, "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019.
        PAN paper, Sec. V-A (the backbone carries it).
    """

    def __init__(self, segments: int, fraction: int = 8, causal: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if segments < 1:
            raise ValueError(f"segments must be at least 1, got {segments}")
        if fraction < 2:
            raise ValueError(f"fraction must be at least 2, got {fraction}")
        self.segments = segments
        self.fraction = fraction
        self.causal = causal

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self.moved = input_shape[-1] // self.fraction
        if self.moved == 0:
            raise ValueError(
                f"{self.name}: 1/{self.fraction} of {input_shape[-1]} channels is none; "
                "lower fraction or widen the layer before"
            )

    def call(self, maps: keras.KerasTensor) -> keras.KerasTensor:
        _, height, width, channels = ops.shape(maps)
        # Height and width are merged, so that no tensor has more than four axes, the maximum of
        # mobile delegates.
        clips = ops.reshape(maps, (-1, self.segments, height * width, channels))
        first, second, still = ops.split(clips, (self.moved, 2 * self.moved), axis=-1)
        edge = ops.zeros_like(first[:, :1])
        earlier = ops.concatenate([edge, second[:, :-1]], axis=1)
        if self.causal:
            other = ops.concatenate([edge, first[:, :-1]], axis=1)
        else:
            other = ops.concatenate([first[:, 1:], edge], axis=1)
        shifted = ops.concatenate([other, earlier, still], axis=-1)
        return ops.reshape(shifted, (-1, height, width, channels))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "segments": self.segments,
            "fraction": self.fraction,
            "causal": self.causal,
        }
