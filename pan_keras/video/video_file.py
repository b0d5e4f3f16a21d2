"""Decodes frames of a video file, upright, in RGB."""

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
    """The frames of a video file of any supported container and codec.

    Args:
        path: The file.
        timeout: Seconds per step of reading; a long video takes many steps.
    """

    remark = ""

    def __init__(self, path: Path, timeout: float):
        self.path = path
        self.timeout = timeout

    def __len__(self) -> int:
        return len(self.index)

    @property
    def index(self) -> FrameIndex:
        """The frame index of the file."""
        return frame_index(self.path, self.timeout)

    @property
    def rate(self) -> float:
        """Mean frames per second; 0 if not stored."""
        return self.index.rate

    def state(self) -> FileState:
        """Size and modification time of the file."""
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
        """Reads frames by number; an undecodable one is replaced by the nearest decodable one."""
        reader = FrameReader(self.path, self.index, self.timeout, transform)
        frames = reader.read(sorted(set(indices)))
        return np.stack([frames[i] for i in indices])

    def iterate(self, transform: Transform) -> Iterator[np.ndarray]:
        """Yields all decodable frames in order."""
        yield from FrameReader(self.path, self.index, self.timeout, transform).iterate()
