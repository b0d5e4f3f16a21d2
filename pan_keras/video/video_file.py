"""Decodes the requested frames of a video file, upright, in RGB."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np

from pan_keras.video.container import BrokenVideo
from pan_keras.video.frame_index import FrameIndex
from pan_keras.video.frame_reader import FrameReader
from pan_keras.video.packet_scan import frame_index
from pan_keras.video.video_info import FileState, VideoInfo

Transform = Callable[[np.ndarray], np.ndarray]


class VideoFile:
    """The frames of a video file, in whatever container and codec.

    Args:
        path: The file.
        timeout: Seconds that a step of reading may take; a long video takes many.
    """

    remark = ""

    def __init__(self, path: Path, timeout: float):
        self.path = path
        self.timeout = timeout

    def __len__(self) -> int:
        return len(self.index)

    @property
    def index(self) -> FrameIndex:
        """Its frames, found by its packets."""
        return frame_index(self.path, self.timeout)

    @property
    def rate(self) -> float:
        """Frames per second, the mean over the file; 0 where that is not stored."""
        return self.index.rate

    def state(self) -> FileState:
        """Size and time of change of the file."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise BrokenVideo(self.path, "there is no such file") from error
        return FileState(status.st_size, status.st_mtime_ns)

    def info(self) -> VideoInfo:
        """Counts the frames and decodes the first."""
        reader = FrameReader(self.path, self.index, self.timeout)
        height, width, _ = reader.read([0])[0].shape
        rotation, mirrored = astuple(reader.orientation)
        return VideoInfo(len(reader.index), reader.index.rate, width, height, rotation, mirrored)

    def read(self, indices: Sequence[int], transform: Transform | None = None) -> np.ndarray:
        """The frames asked for; one that cannot be decoded is replaced by the nearest that can."""
        reader = FrameReader(self.path, self.index, self.timeout, transform)
        frames = reader.read(sorted(set(indices)))
        return np.stack([frames[i] for i in indices])

    def iterate(self, transform: Transform) -> Iterator[np.ndarray]:
        """All frames that can be decoded, in order."""
        yield from FrameReader(self.path, self.index, self.timeout, transform).iterate()
