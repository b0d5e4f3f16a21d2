"""The newest frames of a camera or a stream, read by a thread of its own."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from pan_keras.data.container import MAX_PIXELS
from pan_keras.data.video import upright
from pan_keras.errors import UserError

# Seconds since a source's first frame, and a function that gives the pixels: most frames of a fast
# source are not converted.
Moment: TypeAlias = tuple[float, Callable[[], np.ndarray]]

SLACK = 0.25  # of the time between two frames that are taken
PATIENCE = 10.0  # seconds that a stream may stay silent


@dataclass(frozen=True)
class Window:
    """Adjacent frames that end with the newest.

    Attributes:
        frames: uint8 `(T, H, W, 3)`.
        time: Seconds from the source's first frame to the newest.
        dropped: Frames that came since the window before and are in none.
    """

    frames: np.ndarray
    time: float
    dropped: int


class LiveSource:
    """Holds the last frames of a camera or stream, however slow its reader is.

    Frames are thinned to `rate`, evenly, so that motion is as fast in them as in the videos that a
    network was trained on. A reader that is slow gets the newest window each time and the
    frames between are dropped, whole windows at once: to drop single frames would make what moves
    seem faster. A recording is played at its own speed, as if it were live.

    Args:
        source: Number of a camera, such as `"0"`; or what FFmpeg opens: an URL, a file, a pipe.
        rate: Frames a second to take, at most.
        window: Frames to hold.
        transform: Applied to each frame that is taken, for example a resize.

    Raises:
        UserError: If the source cannot be opened or breaks off.

    Example:
        >>> with LiveSource("rtsp://camera/door", rate=15, window=30, transform=small) as source:
        ...     for window in source.windows():
        ...         print(window.time, window.frames.shape)
    """

    def __init__(
        self,
        source: str,
        *,
        rate: float,
        window: int,
        transform: Callable[[np.ndarray], np.ndarray],
    ):
        self.source = source
        self.rate = rate
        self.transform = transform
        self._held: deque[np.ndarray] = deque(maxlen=window)
        self._taken = 0
        self._time = 0.0
        self._ended = False
        self._failure: UserError | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "LiveSource":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        with self._changed:
            self._ended = True
        self._thread.join(PATIENCE)

    def windows(self, every: float = 0.0) -> Iterator[Window]:
        """The newest window, again and again until the source ends.

        The first comes when the window is full, or with what there is when the source ends before.
        The last ends with the last frame.

        Args:
            every: Seconds from one window to the next, at least.
        """
        seen = 0
        while True:
            with self._changed:
                self._wait_for_more_than(seen)
                if self._taken == seen:
                    break
                frames, taken, moment = np.stack(self._held), self._taken, self._time
            start = time.monotonic()
            dropped = max(0, taken - len(frames) - seen)
            seen = taken
            yield Window(frames, moment, dropped)
            self._pause(every - (time.monotonic() - start))
        if self._failure:
            raise self._failure

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended, max(0.0, seconds))

    def _wait_for_more_than(self, seen: int) -> None:
        self._changed.wait_for(
            lambda: self._ended or (self._taken > seen and len(self._held) == self._held.maxlen)
        )

    def _read(self) -> None:
        try:
            frames = camera(int(self.source)) if self.source.isdecimal() else stream(self.source)
            self._take(frames)
        except UserError as error:
            self._failure = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _take(self, frames: Iterator[Moment]) -> None:
        due = 0.0
        for moment, pixels in frames:
            if self._ended:
                return
            if moment < self._time:  # the clock of a stream was set back
                due = moment
            # The times of a source at just this rate are not exact.
            if moment < due - SLACK / self.rate:
                continue
            due = max(due, moment - 1 / self.rate) + 1 / self.rate
            frame = self.transform(pixels())
            with self._changed:
                self._held.append(frame)
                self._taken += 1
                self._time = moment
                self._changed.notify_all()


def camera(number: int) -> Iterator[Moment]:
    """Frames of a camera as they come.

    Raises:
        UserError: If it cannot be opened or gives no more frames.
    """
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # it would say in two lines what the error says in one
    device = cv2.VideoCapture(number)
    try:
        if not device.isOpened():
            raise UserError(f"camera {number}: it cannot be opened; is it there, and free?")
        start = time.monotonic()
        while True:
            good, frame = device.read()
            if not good:
                raise UserError(f"camera {number}: it gives no more frames; was it unplugged?")
            yield time.monotonic() - start, partial(cv2.cvtColor, frame, cv2.COLOR_BGR2RGB)
    finally:
        device.release()


def stream(url: str) -> Iterator[Moment]:
    """Frames of a stream as they come; a recording, which says how long it is, as it plays.

    Raises:
        UserError: If it cannot be opened, holds no video or breaks off.
    """
    options = {"max_pixels": str(MAX_PIXELS)}
    try:
        with av.open(url, timeout=PATIENCE, metadata_errors="ignore", options=options) as container:
            if not container.streams.video:
                raise UserError(f"{url}: it holds no video; check the address")
            recording = container.duration is not None
            to_rgb = VideoReformatter()
            first: tuple[float, float, tuple[int, int]] | None = None
            for frame in container.decode(video=0):
                now = time.monotonic()
                shown = now if frame.time is None else frame.time
                first = first or (shown, now, (frame.width, frame.height))
                began, opened, size = first
                if recording:
                    time.sleep(max(0.0, (shown - began) - (now - opened)))
                yield shown - began, partial(upright, frame, to_rgb, size)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{url}: cannot be read as video ({reason}); check the address") from error
