"""Clips stored as folders of pictures, one file per frame: `00001.jpg`, `00002.jpg`, and so on."""

import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from pan_keras.video.container import MAX_PIXELS, BrokenVideo, refuse_shape
from pan_keras.video.gathering import gathered
from pan_keras.video.orientation import Orientation, upright
from pan_keras.video.video_info import FileState, VideoInfo

CODECS = {"jpg": "mjpeg", "jpeg": "mjpeg", "png": "png"}
LARGEST = 1 << 28  # maximum size of a picture in bytes
_NUMBERED = re.compile(rf"(.*?)([0-9]{{1,18}})\.({'|'.join(CODECS)})", re.IGNORECASE | re.DOTALL)

Transform = Callable[[np.ndarray], np.ndarray]


def is_frame(name: str) -> bool:
    """Whether a file name is that of a frame: a picture whose name ends in a number.

    Example:
        >>> is_frame("00001.jpg"), is_frame("img_12.PNG"), is_frame("cover.jpg")
        (True, True, False)
    """
    return not name.startswith(".") and _NUMBERED.fullmatch(name) is not None


class FrameFolder:
    """The frames of a folder in the order of their numbers, which may start anywhere.

    Gaps in the numbers are closed. As in a video that changes its size midway, all frames are
    scaled to the size of the first. A picture that cannot be decoded makes the clip unusable,
    since that file alone can be replaced.

    Args:
        path: The folder.
    """

    rate = 0.0

    def __init__(self, path: Path):
        self.path = path

    def __len__(self) -> int:
        return len(self._series().names)

    @property
    def remark(self) -> str:
        """Which frames are missing."""
        return self._series().remark

    def state(self) -> FileState:
        """Total size of all frames, and the latest change of any of them or of the folder."""
        with _telling_of(self.path):
            size, changed = 0, self.path.stat().st_mtime_ns
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if is_frame(entry.name):
                        status = entry.stat()
                        size += status.st_size
                        changed = max(changed, status.st_mtime_ns)
        return FileState(size, changed)

    def info(self) -> VideoInfo:
        """Counts the frames and decodes the first."""
        names = self._series().names
        frame = self._frame(names[0])
        height, width = _pixels(frame).shape[:2]
        rotation, mirrored = astuple(Orientation.of(frame))
        return VideoInfo(len(names), self.rate, width, height, rotation, mirrored)

    def read(self, indices: Sequence[int], transform: Transform | None = None) -> np.ndarray:
        """Reads frames by number, all in the size of the first frame."""
        names, size = self._series().names, self._size()

        def decoded() -> Iterator[tuple[int, np.ndarray]]:
            for index in sorted(set(indices)):
                pixels = _pixels(self._frame(names[index]), size)
                yield index, transform(pixels) if transform else pixels

        return gathered(indices, decoded())

    def iterate(self, transform: Transform) -> Iterator[np.ndarray]:
        """Yields all frames in order, in the size of the first."""
        size = self._size()
        for name in self._series().names:
            yield transform(_pixels(self._frame(name), size))

    def _frame(self, name: str) -> av.VideoFrame:
        return _decode(self.path, name)

    def _series(self) -> "FrameSeries":
        with _telling_of(self.path):
            return _listed(self.path, self.path.stat().st_mtime_ns)

    def _size(self) -> tuple[int, int]:
        first = self._series().names[0]
        with _telling_of(self.path):
            status = (self.path / first).stat()
        return _shown_size(self.path, first, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class FrameSeries:
    """Names of a folder's frames in order, with a remark on missing numbers.

    Args:
        names: The names.
        remark: Which numbers are missing; empty if none.
    """

    names: tuple[str, ...]
    remark: str


@contextmanager
def _telling_of(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BrokenVideo(path, "there is no such folder") from error
    except OSError as error:
        raise BrokenVideo(path, f"it cannot be read ({error.strerror})") from error


@lru_cache(maxsize=8192)
def _listed(path: Path, _changed: int) -> FrameSeries:
    # Names without paths, since a clip may have thousands.
    return frame_series(path, os.listdir(path))  # noqa: PTH208


def frame_series(path: Path, files: Iterable[str]) -> FrameSeries:
    """Orders the frames of a folder by their numbers.

    Args:
        path: The folder.
        files: Names of the files in it.

    Raises:
        BrokenVideo: If there are no frames, several series, or a number twice.

    Example:
        >>> frame_series(Path("wave"), ["00003.jpg", "00001.jpg", "notes.txt"]).names
        ('00001.jpg', '00003.jpg')
    """
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for name in sorted(files):
        match = _NUMBERED.fullmatch(name)
        if match is None or name.startswith("."):
            continue
        frames, number = found[match[1]], int(match[2])
        if number in frames:
            raise BrokenVideo(path, f"frame {number} appears twice, as {frames[number]} and {name}")
        frames[number] = name
    if not found:
        raise BrokenVideo(path, "this folder holds no frames, such as 00001.jpg")
    if len(found) > 1:
        series = " and ".join(repr(min(frames.values())) for frames in found.values())
        raise BrokenVideo(path, f"it holds several series of frames, which begin with {series}")
    (frames,) = found.values()
    numbers = sorted(frames)
    return FrameSeries(tuple(frames[number] for number in numbers), _gaps(numbers))


def _gaps(numbers: Sequence[int]) -> str:
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if not missing:
        return ""
    last = next(one for one, other in pairwise(numbers) if other > one + 1)
    verb = "frame is" if missing == 1 else "frames are"
    return f"{missing} {verb} missing, the first after number {last}"


@lru_cache(maxsize=8192)
def _shown_size(path: Path, name: str, _size: int, _changed: int) -> tuple[int, int]:
    """Width and height of a picture as shown."""
    height, width, _ = _pixels(_decode(path, name)).shape
    return width, height


def _pixels(frame: av.VideoFrame, size: tuple[int, int] | None = None) -> np.ndarray:
    """Converts a picture to upright RGB, scaled to a width and height if given."""
    width, height = size or (frame.width, frame.height)
    orientation = Orientation.of(frame)
    if size and orientation.is_quarter:
        width, height = height, width
    return upright(frame, VideoReformatter(), (width, height), orientation)


def _decode(folder: Path, name: str) -> av.VideoFrame:
    codec = CODECS[name.rpartition(".")[2].lower()]
    decoder = av.CodecContext.create(codec, "r")
    # Makes a truncated picture an error instead of a grey area.
    decoder.options = {"err_detect": "explode", "max_pixels": str(MAX_PIXELS)}
    decoder.thread_count = 1
    try:
        packet = av.Packet(_content(folder / name))
        frame = next(iter([*decoder.decode(packet), *decoder.decode(None)]), None)
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BrokenVideo(folder, f"its frame {name} cannot be decoded ({reason})") from error
    if frame is None:
        raise BrokenVideo(folder, f"its frame {name} cannot be decoded (it holds no picture)")
    refuse_shape(folder, frame.width, frame.height)
    return frame


def _content(path: Path) -> bytes:
    # Opening a named pipe would block until it has a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        if not 0 < status.st_size <= LARGEST:
            raise ValueError("the file is empty" if not status.st_size else "it is too large")
        return file.read(LARGEST)
