"""Temporal operations of a deployment graph, for whole clips and for streams."""

from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from pan_keras.layers import TemporalShift


class Timeline(Protocol):
    """Access to neighbouring segments while a graph is built.

    Attributes:
        rows: Rows of the batch axis, one per segment; None for any number.
        states: State inputs of a stream by name; empty for whole clips.
        kept: State outputs by the same names.
    """

    rows: int | None
    states: dict[str, Any]
    kept: dict[str, Any]

    def shift(self, layer: TemporalShift, maps: Any, name: str, /) -> Any:
        """Applies a temporal shift to maps `(rows, H, W, C)`, in a layer of that name."""

    def collect(self, features: Any, name: str, /) -> Any:
        """Returns features `(B, N, d)` of whole clips from those of the current segments."""


class Clips:
    """A `Timeline` with all segments of a clip at once.

    Args:
        segments: Segments per clip, N.
        clips: Clips per call; None for any number.
    """

    def __init__(self, segments: int, clips: int | None):
        self.segments = segments
        self.rows: int | None = None if clips is None else clips * segments
        self.states: dict[str, Any] = {}
        self.kept: dict[str, Any] = {}

    def shift(self, layer: TemporalShift, maps: Any, name: str) -> Any:
        """Takes the shifted channels from the neighbouring rows."""
        shift = ConvolvedShift(
            self.segments, layer.moved, causal=layer.causal, dtype="float32", name=name
        )
        return shift(maps)

    def collect(self, features: Any, _name: str) -> Any:
        """Groups the rows by clip."""
        return ops.reshape(features, (-1, self.segments, features.shape[-1]))


class Stream:
    """A `Timeline` with one segment at a time.

    Its states are the channels moved by each temporal shift, and the features of the last N
    segments.

    Args:
        segments: Number of latest segments that determine the logits, N.
    """

    def __init__(self, segments: int):
        self.segments = segments
        self.rows: int | None = 1
        self.states: dict[str, Any] = {}
        self.kept: dict[str, Any] = {}

    def shift(self, layer: TemporalShift, maps: Any, name: str) -> Any:
        """Takes the shifted channels from the previous segment.

        Raises:
            ValueError: If the shift is not causal.
        """
        if not layer.causal:
            raise ValueError(
                f"{layer.name}: it uses the next segment, which live video does not have yet; "
                "train with model.causal=true to stream"
            )
        key, before = self._recall((*maps.shape[:-1], 2 * layer.moved))
        shifted, self.kept[key] = StreamedShift(dtype="float32", name=name)([maps, before])
        return shifted

    def collect(self, features: Any, name: str) -> Any:
        """Appends the features of this segment to those of the last N - 1."""
        key, before = self._recall((self.segments, features.shape[-1]))
        self.kept[key] = SegmentMemory(dtype="float32", name=name)([features, before])
        return ops.expand_dims(self.kept[key], 0)

    def _recall(self, shape: tuple[int, ...]) -> tuple[str, Any]:
        """Adds a state, and returns its name and an input of that shape."""
        name = f"state_{len(self.states)}"
        self.states[name] = keras.Input(batch_shape=shape, dtype="float32", name=name)
        return name, self.states[name]


@keras.saving.register_keras_serializable(package="pan_keras")
class ConvolvedShift(keras.layers.Layer):
    """`TemporalShift` as one convolution along time.

    Its constant kernel selects one of three neighbours for each channel. Slices, paddings and a
    concatenation are equivalent but copy the maps twice.

    Args:
        segments: Segments per clip, N.
        moved: Channels shifted in each direction.
        causal: Whether both parts come from the previous segment.

    Input shape:
        `(B * N, H, W, C)`.

    Output shape:
        The same.

    Example:
        >>> ConvolvedShift(segments=8, moved=2)(np.ones((2 * 8, 14, 14, 16))).shape
        (16, 14, 14, 16)
    """

    def __init__(self, segments: int, moved: int, *, causal: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.segments = segments
        self.moved = moved
        self.causal = causal

    def call(self, maps: Any) -> Any:
        _, height, width, channels = maps.shape
        kernel = np.zeros((3, 1, channels, 1))
        first, second = slice(0, self.moved), slice(self.moved, 2 * self.moved)
        kernel[0 if self.causal else 2, :, first] = 1
        kernel[0, :, second] = 1
        kernel[1, :, 2 * self.moved :] = 1
        timed = ops.reshape(maps, (-1, self.segments, height * width, channels))
        shifted = ops.depthwise_conv(timed, ops.cast(kernel, maps.dtype), padding="same")
        return ops.reshape(shifted, (-1, height, width, channels))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "segments": self.segments,
            "moved": self.moved,
            "causal": self.causal,
        }


@keras.saving.register_keras_serializable(package="pan_keras")
class StreamedShift(keras.layers.Layer):
    """A causal `TemporalShift` of one segment, with the previous segment's channels as an input.

    Input shape:
        A list: maps `(1, H, W, C)`, and the previous segment's first channels `(1, H, W, K)`.

    Output shape:
        Two: the shifted maps `(1, H, W, C)`, and the first K channels, for the next segment.

    Example:
        >>> maps, kept = StreamedShift()([np.ones((1, 14, 14, 16)), np.zeros((1, 14, 14, 4))])
        >>> maps.shape, kept.shape
        ((1, 14, 14, 16), (1, 14, 14, 4))
    """

    def call(self, inputs: list[Any]) -> tuple[Any, Any]:
        maps, before = inputs
        moved = before.shape[-1]
        return ops.concatenate([before, maps[..., moved:]], axis=-1), maps[..., :moved]


@keras.saving.register_keras_serializable(package="pan_keras")
class SegmentMemory(keras.layers.Layer):
    """Appends a segment's features to those of the previous segments and drops the oldest.

    Input shape:
        A list: features `(1, d)`, and those of the last N segments `(N, d)`.

    Output shape:
        `(N, d)`.

    Example:
        >>> SegmentMemory()([np.ones((1, 96)), np.zeros((8, 96))]).shape
        (8, 96)
    """

    def call(self, inputs: list[Any]) -> Any:
        features, before = inputs
        return ops.concatenate([before[1:], features], axis=0)
