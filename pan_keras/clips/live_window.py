"""Cuts live video into segments at the frame rate and stride of training."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from pan_keras.clips.sampling import DENSE_WINDOW, spread_starts, stack_frames
from pan_keras.errors import UserError

# Tolerances for timestamp jitter, as fractions of a frame interval.
EARLY = 1 / 4  # frames earlier than this are dropped
LATE = 7 / 8  # if the next frame is later than this, the previous one is repeated


@dataclass(frozen=True)
class LiveSampling:
    """Sampling of live video that matches the median training clip.

    Args:
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        rate: Frames per second of the training clips; None if unknown, in which case every frame
            of a source is used.
        stride: Frames, at this rate, between the starts of consecutive segments; may be
            fractional.

    Raises:
        UserError: If a number is out of range.

    Example:
        >>> LiveSampling.of_training(segments=8, stack=3, frames=83, rate=30.0).stride
        10.125
    """

    segments: int
    stack: int
    rate: float | None
    stride: float

    def __post_init__(self):
        numbers = (self.segments, self.stack, self.stride, 1 if self.rate is None else self.rate)
        if not all(math.isfinite(number) and number > 0 for number in numbers):
            raise UserError(f"{self}: segments, stack, rate and stride must be above 0")

    @classmethod
    def of_training(
        cls, segments: int, stack: int, *, frames: float, rate: float, dense: bool = False
    ) -> "LiveSampling":
        """Returns the sampling of the median training clip.

        Args:
            segments: Segments per clip, N.
            stack: Adjacent frames per segment, m.
            frames: Median number of frames of the training clips.
            rate: Median frame rate of the training clips; 0 if unknown.
            dense: Whether training samples segments from windows of 64 frames.
        """
        # Matches the spacing of `spread_starts` in a clip of `frames`, or of `dense_starts`.
        stride = max(1, frames - stack + 1) / segments
        return cls(
            segments, stack, rate or None, max(1, DENSE_WINDOW // segments) if dense else stride
        )

    @property
    def frames(self) -> float:
        """Number of frames, at `rate`, spanned by N segments."""
        return self.segments * self.stride + self.stack - 1

    @property
    def seconds(self) -> float | None:
        """Duration spanned by N segments; None without a rate."""
        return None if self.rate is None else self.frames / self.rate

    def start(self, number: int) -> int:
        """Returns the first frame of a segment; the first N segments match those of a clip."""
        return int(self.stride / 2 + self.stride * number)


@dataclass(frozen=True)
class LiveSegment:
    """Adjacent frames that a network processes in one step.

    Attributes:
        frames: uint8 `(m, H, W, 3)`.
        number: Index of the segment, from 0.
        start: Index of its first frame, at the training frame rate.
        time: Timestamp of its last frame in seconds, by the source's clock.
        is_first: Whether a new sequence starts here: at the beginning of the source, or after a
            pause longer than a clip. A streaming network must reset its state.

    Example:
        >>> segment = LiveSegment(np.zeros((3, 72, 96, 3), "uint8"), 0, 4, 0.2, is_first=True)
        >>> segment.frames.shape, segment.time
        ((3, 72, 96, 3), 0.2)
    """

    frames: np.ndarray
    number: int
    start: int
    time: float
    is_first: bool


class LiveWindow:
    """Cuts incoming frames into segments as training cuts clips.

    Let `position = (time - first time) * rate`, and `count` the number of frames so far. A frame
    with `position < count - 1/4` is dropped. While `position >= count + 7/8`, the previous frame is
    repeated; then the frame itself is appended. Segment `i` starts at frame
    `floor(stride / 2 + stride * i)`. If the clock is set back by more than a frame, counting
    continues from the previous frame. After a pause longer than a clip, a new sequence starts.

    Args:
        sampling: Rate and stride.
        transform: Applied once to each frame that is used, for example resizing.

    Example:
        >>> window = LiveWindow(LiveSampling.of_training(segments=8, stack=3, frames=83, rate=30.0))
        >>> frame = np.zeros((72, 96, 3), "uint8")
        >>> [segment.frames.shape for n in range(9) for segment in window.push(frame, n / 30)]
        [(3, 72, 96, 3)]
        >>> len(window.rest())  # the source ended early
        8
        >>> window.reset()
    """

    def __init__(
        self,
        sampling: LiveSampling,
        transform: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.sampling = sampling
        self.transform = transform
        self.count = 0
        self._time: float | None = None  # timestamp of the newest frame
        self._newest: Callable[[], np.ndarray] = partial(np.zeros, 0)
        self._segments = 0
        self._begin()

    def push(self, frame: np.ndarray | Callable[[], np.ndarray], time: float) -> list[LiveSegment]:
        """Adds the next frame.

        Args:
            frame: uint8 `(h, w, 3)`, RGB; or a function that returns it, called only if it is used.
            time: Capture or presentation time in seconds, by any clock.

        Returns:
            The segments that it completes: usually none or one, more if frames were missing.

        Raises:
            UserError: If the time is not finite.
        """
        if not math.isfinite(time):
            raise UserError(f"time: {time}; give the seconds at which the frame was taken")
        pixels = cache(partial(self._pixels, frame))
        rate = self.sampling.rate
        if rate is None:
            return self._append(pixels(), time)
        if self._time is None or time < self._time - 1 / rate:
            self._first = time - (self.count - self._base) / rate
        elif self._position(time) - self.count > self.sampling.frames:
            self._begin()
            self._first = time
        position, found = self._position(time), []
        while position >= self.count + LATE:
            found += self._append(self._newest(), self._time or 0.0)
        if position >= self.count - EARLY:
            found += self._append(pixels(), time)
        elif self._time is not None and time < self._time:
            return found  # out of order: an older frame must not become the newest
        self._time, self._newest = time, pixels
        return found

    @property
    def clip(self) -> np.ndarray | None:
        """The last N segments, uint8 `(N, m, H, W, 3)`; None while there are fewer."""
        if len(self._clip) < self.sampling.segments:
            return None
        return np.stack([segment.frames for segment in self._clip])

    def rest(self) -> list[LiveSegment]:
        """Returns the segments of a source that ended before its first N segments were complete.

        Returns:
            N segments, sampled from the frames so far as from a short clip; an empty list if the
            first N segments were complete, or if there was no frame.
        """
        if not self._early or self.clip is not None:
            return []
        count, sampling = len(self._early), self.sampling
        starts = spread_starts(count, sampling.segments, sampling.stack)[0]
        return [
            LiveSegment(
                np.stack([self._early[place] for place in places]),
                number,
                self._base + int(places[0]),
                self._time or 0.0,
                number == 0,
            )
            for number, places in enumerate(stack_frames(starts, count, sampling.stack))
        ]

    def reset(self) -> None:
        """Discards all frames and starts a new sequence."""
        self.count = self._segments = 0
        self._begin()

    def _begin(self) -> None:
        self._base = self.count
        self._first = 0.0
        self._time = None
        self._since = 0  # segments in this sequence
        self._stack: deque[np.ndarray] = deque(maxlen=self.sampling.stack)
        self._clip: deque[LiveSegment] = deque(maxlen=self.sampling.segments)
        self._early: list[np.ndarray] = []  # frames until the first clip is complete

    def _pixels(self, frame: np.ndarray | Callable[[], np.ndarray]) -> np.ndarray:
        pixels = frame() if callable(frame) else frame
        return pixels if self.transform is None else self.transform(pixels)

    def _position(self, time: float) -> float:
        assert self.sampling.rate is not None
        return (time - self._first) * self.sampling.rate + self._base

    def _append(self, frame: np.ndarray, time: float) -> list[LiveSegment]:
        self._stack.append(frame)
        self.count += 1
        if len(self._clip) < self.sampling.segments:
            self._early.append(frame)
        found = []
        while self._next_start() + self.sampling.stack == self.count:
            frames = np.stack(self._stack)
            segment = LiveSegment(
                frames, self._segments, self._next_start(), time, self._since == 0
            )
            self._clip.append(segment)
            self._since += 1
            self._segments += 1
            found.append(segment)
        if len(self._clip) == self.sampling.segments:
            self._early = []
        return found

    def _next_start(self) -> int:
        return self._base + self.sampling.start(self._since)
