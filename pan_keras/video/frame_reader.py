"""Decodes selected frames of a video file, with seeks where they save decoding."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from pan_keras.video.container import BrokenVideo, OpenVideo, opened, refuse_shape
from pan_keras.video.frame_index import FrameIndex, Run
from pan_keras.video.orientation import Orientation, upright

Transform = Callable[[np.ndarray], np.ndarray]

# Codecs whose decoder skips frames that no other frame refers to, with the same pixels for all
# others.
SKIPPING = ("h264",)


class _Astray(Exception):  # noqa: N818, not an error: reading falls back to the start
    """A seek did not land where the index says."""


class FrameReader:
    """Decodes frames of a file; damaged files are always decoded from the start.

    Args:
        path: The file.
        index: Its frames.
        timeout: Seconds per step of reading.
        transform: Applied to each array as soon as it is decoded.

    Attributes:
        options: Options of the decoder.
        orientation: Orientation of the last frame read.
    """

    options: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        path: Path,
        index: FrameIndex,
        timeout: float,
        transform: Transform | None = None,
    ):
        self.path = path
        self.index = index
        self.timeout = timeout
        self.transform = transform
        self.to_rgb = VideoReformatter()
        self.size: tuple[int, int] | None = None
        self.orientation = Orientation()
        self.damaged = False
        self._unwanted: frozenset[int] = frozenset()
        self._places: dict[int | None, int] = dict(zip(index.times.tolist(), count()))

    def read(self, wanted: list[int]) -> dict[int, np.ndarray]:
        """Reads frames, given in ascending order; returns their arrays by number."""
        try:
            self._unwanted = self._times_without(wanted)
            frames = self._read_runs(self.index.runs(wanted))
        except _Astray:
            self._unwanted = frozenset()
            frames = self._read_runs([Run(0, tuple(wanted))])
        self._unwanted = frozenset()
        if len(frames) == len(wanted) and not self.damaged:
            return frames
        return self._read_damaged(wanted)

    def iterate(self) -> Iterator[np.ndarray]:
        """Yields the arrays of all decodable frames in order."""
        with self._opened() as video:
            for place, frame in self._shown(video):
                yield self._array(video, place, frame)

    def picture(self, video: OpenVideo, place: int, frame: av.VideoFrame) -> np.ndarray:  # noqa: ARG002
        """Converts a decoded frame to an array: uint8 `(H, W, 3)`, upright RGB.

        Args:
            video: The open file.
            place: Number of the frame.
            frame: The frame.
        """
        if self.size is None:
            size = (frame.width, frame.height)
            self.size = size if size == video.size else self._first_size()
        return upright(frame, self.to_rgb, self.size, self.orientation)

    def _times_without(self, wanted: Iterable[int]) -> frozenset[int]:
        """Times of the frames that need not be shown; none if frames have no times."""
        if not self.index.timed:
            return frozenset()
        others = np.delete(self.index.times, list(wanted))
        return frozenset(others.tolist())

    def _opened(self) -> AbstractContextManager[OpenVideo]:
        return opened(self.path, self.timeout, self.options)

    def _read_runs(self, runs: list[Run]) -> dict[int, np.ndarray]:
        frames: dict[int, np.ndarray] = {}
        with self._opened() as video:
            if video.stream.codec.canonical_name not in SKIPPING:
                self._unwanted = frozenset()
            for run in runs:
                shown = self._shown_from(video, run.key) if run.key else self._shown(video)
                targets = set(run.targets)
                for place, frame in shown:
                    if place in targets:
                        frames[place] = self._array(video, place, frame)
                        targets.discard(place)
                        if not targets:
                            break
                if targets and run.key and not self.damaged:
                    raise _Astray
        return frames

    def _read_damaged(self, wanted: list[int]) -> dict[int, np.ndarray]:
        # How damage is decoded depends on the starting point. Always starting at the beginning
        # gives the same pixels whichever frames are requested.
        with self._opened() as video:
            there = np.array(sorted({place for place, _ in self._shown(video)}), np.int64)
        if not len(there):
            raise BrokenVideo(self.path, "none of its frames can be decoded")
        nearest = dict(zip(wanted, _nearest(there, np.array(wanted)).tolist(), strict=True))
        frames = self._read_runs([Run(0, tuple(sorted(set(nearest.values()))))])
        return {i: frames[place] for i, place in nearest.items()}

    def _shown(self, video: OpenVideo) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decodes from the start of the file; yields (place, frame) of the frames in the index."""
        places = count()
        for packet in video.packets():
            for frame in self._decoded(video, packet):
                number = next(places)
                place = self._places.get(frame.pts) if self.index.timed else number
                if place is not None and place < len(self.index):
                    yield place, frame

    def _shown_from(self, video: OpenVideo, key: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decodes from a key frame on, as long as the packets match the index.

        Times after a seek may be guesses (as in MPEG program streams), and a packet marked as a key
        frame may not be one.
        """
        with video.reading:
            try:
                video.container.seek(self.index.seek_time(key), stream=video.stream)
            except av.error.FFmpegError as error:
                raise _Astray from error
        landed: int | None = None
        expected, begun = 0, False
        for packet in video.packets():
            if packet.size and not packet.is_discard:
                if landed is None:
                    landed = self.index.landing(key, packet.pts, packet.size)
                    if landed is None:
                        raise _Astray
                    expected = int(self.index.packets[landed])
                elif not self.index.is_packet(expected, packet.pts, packet.size):
                    raise _Astray
                expected += 1
            # Nothing is skipped until the seek has been checked.
            for frame in self._decoded(video, packet, needed=not begun):
                place = self._places.get(frame.pts)
                if landed is None or place is None or place < landed:
                    continue
                if not begun and (place > landed or not frame.key_frame):
                    raise _Astray
                begun = True
                yield place, frame

    def _decoded(
        self, video: OpenVideo, packet: av.Packet, needed: bool = False
    ) -> list[av.VideoFrame]:
        frames = video.decode(packet, needed=needed or packet.pts not in self._unwanted)
        if frames is None:
            self.damaged = True
        return frames or []

    def _array(self, video: OpenVideo, place: int, frame: av.VideoFrame) -> np.ndarray:
        refuse_shape(self.path, frame.width, frame.height)
        self.orientation = Orientation.of(frame)
        with video.reading:
            picture = self.picture(video, place, frame)
        return self.transform(picture) if self.transform else picture

    def _first_size(self) -> tuple[int, int]:
        # A stream may change its size midway. All frames are scaled to the size of the first, so
        # that the result does not depend on which are requested.
        with opened(self.path, self.timeout) as video:
            for packet in video.packets():
                for frame in video.decode(packet) or ():
                    return frame.width, frame.height
        raise BrokenVideo(self.path, "none of its frames can be decoded")


def _nearest(there: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The nearest of the ascending `there` to each of `wanted`; ties go to the lower one."""
    after = np.searchsorted(there, wanted).clip(1, max(1, len(there) - 1))
    low, high = there[after - 1], there[np.minimum(after, len(there) - 1)]
    return np.where(wanted - low <= high - wanted, low, high)
