"""Segments of live video at the frame rate and stride of training."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from pan_keras.clips.sampling import DENSE_WINDOW, spread_starts, stack_frames
from pan_keras.errors import UserError

# Times of a source at just the trained rate are not exact; both are shares of one frame's time.
EARLY = 1 / 4  # a frame that comes earlier than this is left out
LATE = 7 / 8  # where the next frame is later than this, the one before is repeated


@dataclass(frozen=True)
class LiveSampling:
    """Sampling of live video, as in the median training clip.

    Args:
        segments: Segments of a clip, N.
        stack: Adjacent frames of a segment, m.
        rate: Frames a second of the training clips; None where they have none, and then every
            frame of a source counts.
        stride: Frames, at this rate, from the start of one segment to that of the next; not
            always whole.

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
        """The sampling of the median training clip.

        Args:
            segments: Segments of a clip, N.
            stack: Adjacent frames of a segment, m.
            frames: Frames of the training clips, their median.
            rate: Frames a second of the training clips, their median; 0 where they have none.
            dense: Whether training draws its segments from windows of 64 frames.
        """
        # The spacing of `spread_starts` in a clip of `frames`, or that of `dense_starts`.
        stride = max(1, frames - stack + 1) / segments
        return cls(
            segments, stack, rate or None, max(1, DENSE_WINDOW // segments) if dense else stride
        )

    @property
    def frames(self) -> float:
        """Frames, at `rate`, that N segments are spread over."""
        return self.segments * self.stride + self.stack - 1

    @property
    def seconds(self) -> float | None:
        """The time that N segments are spread over, None without a rate."""
        return None if self.rate is None else self.frames / self.rate

    def start(self, number: int) -> int:
        """The frame that a segment starts at; the first N are those of a whole clip."""
        return int(self.stride / 2 + self.stride * number)


@dataclass(frozen=True)
class LiveSegment:
    """Adjacent frames that a network takes in one step.

    Attributes:
        frames: uint8 `(m, H, W, 3)`.
        number: How many segments came before.
        start: How many frames, at the rate of training, came before its first.
        time: Seconds, of the source's clock, of its last frame.
        is_first: Whether nothing before belongs to it: the source has begun, or was silent for
            longer than a clip. A stream of a network is to forget its states then.

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
    """Cuts segments out of frames that come one at a time, as training cuts them out of clips.

    With `position = (time - first time) * rate` and `count` frames so far, a frame that comes with
    `position < count - 1/4` is left out; while `position >= count + 7/8`, the frame that came
    before it counts once more; then the frame itself counts. Segment `i` starts at frame number
    `floor(stride / 2 + stride * i)`. A clock that is set back, by more than a frame, goes on from
    the frame before. After a silence longer than a clip all starts anew.

    Args:
        sampling: Rate and stride.
        transform: Applied once to each frame that counts, for example a resize.

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
        self._time: float | None = None  # of the newest frame
        self._newest: Callable[[], np.ndarray] = partial(np.zeros, 0)
        self._segments = 0
        self._begin()

    def push(self, frame: np.ndarray | Callable[[], np.ndarray], time: float) -> list[LiveSegment]:
        """Takes the next frame.

        Args:
            frame: uint8 `(h, w, 3)`, RGB; or a function that gives it, called if it counts.
            time: Seconds, of any clock, at which it was taken or is to be shown.

        Returns:
            The segments that it completes: mostly none or one; more where frames were missing.

        Raises:
            UserError: If the time is not a number.
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
            return found  # out of order: an older frame is not the newest
        self._time, self._newest = time, pixels
        return found

    @property
    def clip(self) -> np.ndarray | None:
        """The last N segments, uint8 `(N, m, H, W, 3)`; None until there are as many."""
        if len(self._clip) < self.sampling.segments:
            return None
        return np.stack([segment.frames for segment in self._clip])

    def rest(self) -> list[LiveSegment]:
        """The segments of a source that ended before its first N segments were there.

        Returns:
            N segments, taken from the frames so far as from a short clip; none where the first N
            segments were there, or no frame.
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
        """Forgets all frames: the next is the first."""
        self.count = self._segments = 0
        self._begin()

    def _begin(self) -> None:
        self._base = self.count
        self._first = 0.0
        self._time = None
        self._since = 0  # segments since then
        self._stack: deque[np.ndarray] = deque(maxlen=self.sampling.stack)
        self._clip: deque[LiveSegment] = deque(maxlen=self.sampling.segments)
        self._early: list[np.ndarray] = []  # until the first clip is there

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
