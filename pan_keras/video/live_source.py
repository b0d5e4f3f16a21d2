"""Reads the newest segments of a camera or stream in a background thread."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from pan_keras.clips.live_window import LiveSegment, LiveWindow
from pan_keras.errors import UserError
from pan_keras.video.live_readers import PATIENCE, Moment, SourceDroppedError, camera, shown, stream

SILENCE = 3 * PATIENCE  # seconds without any frame after which a source is given up
STEADY = 60.0  # seconds after which a connection resets the count of retries
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0  # seconds before a retry, doubling each time
PULSE = 0.5  # seconds between checks that the source is alive


@dataclass(frozen=True)
class Window:
    """New segments of a source.

    Attributes:
        segments: The new segments, at most N.
        clip: The last N segments, uint8 `(N, m, H, W, 3)`; None while there are fewer.
        time: Seconds from the source's first frame to the newest one here.
        dropped: Frames since the previous window that were dropped.
    """

    segments: tuple[LiveSegment, ...]
    clip: np.ndarray | None
    time: float
    dropped: int


class LiveSource:
    """Cuts segments from a camera or stream, independent of the reader's speed.

    A slow reader gets the newest segments each time. Earlier ones are dropped whole, since
    dropping single frames would make motion appear faster. A recording is played at its own
    speed, as if it were live.

    Args:
        source: Camera number, such as `"0"`; an address; a file or pipe.
        window: Cuts the frames into segments.
        retry: How many times to reconnect to a camera or address that drops, after waits of 0.5 to
            8 seconds; the count is reset after a minute of connection.
        tell: Called with a sentence before each retry.

    Raises:
        UserError: If the source cannot be opened, breaks off or falls silent.

    Example:
        >>> window = LiveWindow(open_run("runs/live").live_sampling, transform=small)
        >>> with LiveSource("rtsp://camera/door", window=window, retry=3) as source:
        ...     for seen in source.windows():
        ...         print(seen.time, seen.clip.shape)
    """

    def __init__(
        self,
        source: str,
        *,
        window: LiveWindow,
        retry: int = 0,
        tell: Callable[[str], None] | None = None,
    ):
        self.source = source
        self.window = window
        self.retry = retry
        self.tell = tell or (lambda _: None)
        self._pending: deque[LiveSegment] = deque(maxlen=window.sampling.segments)
        self._recent: deque[LiveSegment] = deque(maxlen=window.sampling.segments)
        self._ended = False
        self._failure: BaseException | None = None
        self._beat = time.monotonic()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "LiveSource":
        self._beat = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(PATIENCE)

    def windows(self, every: float = 0.0, *, steps: bool = False) -> Iterator[Window]:
        """Yields new segments until the source ends.

        If a source ends before its first N segments, it is yielded as a short clip.

        Args:
            every: Minimum seconds from one window to the next.
            steps: Whether the reader takes segments one by one, including the first N - 1;
                otherwise the first window has a full clip.

        Raises:
            UserError: The error that ended the source, if any. Other errors of the reading thread
                are raised unchanged.
        """
        seen: LiveSegment | None = None
        while True:
            with self._changed:
                self._wait(steps)
                segments, recent = tuple(self._pending), tuple(self._recent)
                self._pending.clear()
            whole = len(recent) == self.window.sampling.segments
            if not segments or not (steps or whole):
                break
            clip = np.stack([segment.frames for segment in recent]) if whole else None
            dropped = self._dropped(seen, segments, recent, steps)
            seen, start = segments[-1], time.monotonic()
            yield Window(segments, clip, seen.time, dropped)
            self._pause(every - (time.monotonic() - start))
        if self._failure:
            raise self._failure

    def _dropped(self, seen: LiveSegment | None, segments, recent, steps: bool) -> int:
        sampling = self.window.sampling
        if steps:
            missing = segments[0].number - (0 if seen is None else seen.number + 1)
            return round(max(0, missing) * sampling.stride)
        # The first segment starts half a stride after the first frame.
        reached = int(sampling.stride / 2) if seen is None else seen.start + sampling.stack
        return max(0, recent[0].start - reached)

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended, max(0.0, seconds))

    def _wait(self, steps: bool) -> None:
        def is_ready() -> bool:
            whole = len(self._recent) == self.window.sampling.segments
            return self._ended or bool(self._pending and (steps or whole))

        while not self._changed.wait_for(is_ready, PULSE):
            if time.monotonic() - self._beat > SILENCE:
                raise UserError(f"{shown(self.source)}: no frames for {SILENCE:g} s; check it")

    def _read(self) -> None:
        try:
            for moment, pixels in self._moments():
                if self._ended:
                    return
                self._take(self.window.push(pixels, moment))
            self._take(self.window.rest())
        except BaseException as error:  # raised in the thread that reads the windows
            self._failure = error
            self._take(self.window.rest())
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _take(self, segments: list[LiveSegment]) -> None:
        if not segments:
            return
        with self._changed:
            for segment in segments:
                if segment.is_first:
                    self._recent.clear()
                self._recent.append(segment)
                full = len(self._pending) == self._pending.maxlen
                dropped = self._pending.popleft() if full else None
                self._pending.append(segment)
                if dropped is not None and dropped.is_first:
                    # Keeps the information that the source has restarted.
                    self._pending[0] = replace(self._pending[0], is_first=True)
            self._changed.notify_all()

    def _moments(self) -> Iterator[Moment]:
        """Yields the frames of all connections with times on one clock."""
        origin: float | None = None
        newest = 0.0
        tries = 0
        while True:
            connected, offset = time.monotonic(), None
            try:
                for moment, pixels in self._frames():
                    self._beat = now = time.monotonic()
                    origin = now if origin is None else origin
                    # A server may have sent frames ahead of real time.
                    offset = max(now - origin, newest) if offset is None else offset
                    newest = offset + moment
                    yield newest, pixels
                return
            except SourceDroppedError as error:
                if time.monotonic() - connected > STEADY:
                    tries = 0
                if tries >= self.retry:
                    raise
                wait = min(FIRST_WAIT * 2**tries, LONGEST_WAIT)
                tries += 1
                self.tell(f"{error}; trying again in {wait:g} s ({tries} of {self.retry})")
            newest += wait
            self._beat = time.monotonic()
            self._pause(wait)
            if self._ended:
                return

    def _frames(self) -> Iterator[Moment]:
        return camera(int(self.source)) if self.source.isdecimal() else stream(self.source)
