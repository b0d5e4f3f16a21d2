"""Specific-timescale pooling (Eq. 11), shared by VAP and VIP."""

from functools import reduce
from typing import Any

import keras
from keras import ops


def timescale_members(segments: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """Lists the timescale features of a clip, in the order of VAP's weights.

    The timescales are k = 1, 2, 4, ..., the powers of two up to N / 2. Timescale k has k features;
    feature i pools the segments i, i + k, i + 2k, ... For N a power of two this is the paper's
    definition, N - 1 features; for N = 12 (k = 1, 2, 4) and N = 6 (k = 1, 2) it is that of the
    paper's released code. If k does not divide N, the first features of that timescale pool one
    more segment than the others, so that every timescale covers every segment.

    Args:
        segments: Segments per clip, N.

    Returns:
        One `(k, i, segments pooled)` for each of the T features.

    Raises:
        ValueError: If `segments` is below 2.

    Example:
        >>> timescale_members(4)
        [(1, 0, (0, 1, 2, 3)), (2, 0, (0, 2)), (2, 1, (1, 3))]

    References:
        PAN paper, Sec. IV-B (Eq. 11), Fig. 4.
    """
    return [
        (timescale, index, tuple(range(index, segments, timescale)))
        for timescale in timescales(segments)
        for index in range(timescale)
    ]


def timescales(segments: int | None) -> list[int]:
    """The timescales k of a clip of N segments: 1, 2, 4, ... up to N / 2.

    Raises:
        ValueError: If `segments` is unknown or below 2.
    """
    if segments is None or segments < 2:
        raise ValueError(
            f"timescales need at least 2 segments, got {segments}; "
            "raise segments or use SegmentConsensus"
        )
    return [2**power for power in range(segments.bit_length() - 1)]


def pool_timescales(features: keras.KerasTensor) -> keras.KerasTensor:
    """Max-pools segment features at every timescale, dilated by the timescale.

    Args:
        features: `(B, N, d)`, N known and at least 2.

    Returns:
        `(B, T, d)`, in the order of `timescale_members`.

    Example:
        >>> pool_timescales(keras.random.normal((2, 8, 512))).shape
        (2, 7, 512)

    References:
        PAN paper, Sec. IV-B (Eq. 11).
    """
    segments = features.shape[1]
    largest = timescales(segments)[-1]
    missing = -segments % largest
    if missing:
        # Pads the last row with segments that are already in the same feature.
        start = segments - largest
        features = ops.concatenate([features, features[:, start : start + missing]], axis=1)
    rows = [features[:, start : start + largest] for start in range(0, segments + missing, largest)]
    # Each feature of timescale k is the maximum of two of timescale 2k. Pairwise maxima, since the
    # TFLite quantiser does not support a reduction by maximum.
    pooled = [reduce(ops.maximum, rows)]
    while (half := pooled[0].shape[1] // 2) > 0:
        pooled.insert(0, ops.maximum(pooled[0][:, :half], pooled[0][:, half:]))
    return ops.concatenate(pooled, axis=1)


class TimescalePooling(keras.layers.Layer):
    """Base class of VAP and VIP: outputs a video feature and, on request, the weights."""

    def compute_output_spec(
        self, features: keras.KerasTensor, return_weights: bool = False
    ) -> keras.KerasTensor | tuple[keras.KerasTensor, keras.KerasTensor]:
        batch, segments, width = features.shape
        output = keras.KerasTensor((batch, width), self.compute_dtype)
        if not return_weights:
            return output
        count = len(timescale_members(segments))
        return output, keras.KerasTensor((batch, count), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (input_shape[0], input_shape[2])
