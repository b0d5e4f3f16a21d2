"""The frame source protocol, and functions that read clips of any kind."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from pan_keras.remote.addresses import address_of
from pan_keras.video.container import BrokenVideo
from pan_keras.video.frame_folder import FrameFolder
from pan_keras.video.remote_clip import RemoteClip
from pan_keras.video.remote_frames import RemoteFrames, is_frame_folder
from pan_keras.video.shard_clip import ShardClip
from pan_keras.video.shard_file import shard_of
from pan_keras.video.video_file import VideoFile
from pan_keras.video.video_info import FileState, VideoInfo

TIMEOUT = 30.0

Transform = Callable[[np.ndarray], np.ndarray]


class FrameSource(Protocol):
    """The frames of a clip. Creating one reads nothing; the methods raise `BrokenVideo`.

    To support another storage of clips, write a class with these methods and register it with
    `add_source`.

    Attributes:
        path: Identifies the clip: its file or folder, or a name below a file.

    Example:
        >>> clip = frame_source("wave.mp4")
        >>> clip.info().frames, clip.state().size
        (24, 13824)
        >>> clip.read([0, 1]).shape, next(iter(clip.iterate(lambda frame: frame))).shape
        ((2, 72, 72, 3), (72, 72, 3))
    """

    path: Path

    def __len__(self) -> int:
        """Number of frames, counted."""

    @property
    def rate(self) -> float:
        """Mean frames per second; 0 if not stored."""

    @property
    def remark(self) -> str:
        """A remark for the user, as part of a sentence; may be empty."""

    def state(self) -> FileState:
        """Size and modification time, which identify a version of the clip.

        Returns:
            Both.
        """

    def info(self) -> VideoInfo:
        """Counts the frames and decodes the first.

        Returns:
            Count, rate and size.
        """

    def read(self, indices: Sequence[int], transform: Transform | None = None) -> np.ndarray:
        """Decodes frames by number.

        Args:
            indices: Frame numbers from 0, in any order.
            transform: Applied to each frame as soon as it is decoded.

        Returns:
            uint8 `(len(indices), H, W, 3)`.
        """

    def iterate(self, transform: Transform) -> Iterator[np.ndarray]:
        """Decodes all frames in order, one in memory at a time.

        Args:
            transform: Applied to each frame.

        Yields:
            uint8 `(H, W, 3)`.
        """


Opener = Callable[[Path, float], FrameSource | None]
_openers: list[Opener] = []


def add_source(opener: Opener) -> None:
    """Registers another kind of clip storage, which is tried before files and folders.

    Args:
        opener: Called with a path and the seconds per step of reading; returns the source, or None
            for a path that is not of its kind.

    Example:
        >>> add_source(lambda path, timeout: None)  # accepts no path
    """
    _openers.append(opener)


def frame_source(path: Path | str, timeout: float = TIMEOUT) -> FrameSource:
    """Returns the frame source of a clip.

    It is a video file, a folder of pictures, a clip in a shard, or of a registered kind.

    Args:
        path: The clip.
        timeout: Seconds per step of reading; a long video takes many steps.

    Returns:
        The source; nothing is read yet.

    Example:
        >>> clip = frame_source("wave.mp4")
        >>> len(clip), clip.rate
        (24, 24.0)
    """
    path = Path(path)
    for opener in _openers:
        found = opener(path, timeout)
        if found is not None:
            return found
    place = shard_of(path)
    if place is not None:
        return ShardClip(*place)
    if address_of(path) is not None:
        return RemoteFrames(path) if is_frame_folder(path) else RemoteClip(path, timeout)
    return FrameFolder(path) if path.is_dir() else VideoFile(path, timeout)


def clip_bytes(path: Path | str) -> int | None:
    """Total size of a clip's files in bytes; None if there is no such clip.

    Args:
        path: A video file or a folder of frames.

    Returns:
        The size, or None.

    Example:
        >>> clip_bytes("wave.mp4"), clip_bytes("absent.mp4")
        (13824, None)
    """
    try:
        return frame_source(path).state().size
    except BrokenVideo:
        return None


def is_there(path: Path) -> bool:
    """Whether a path is a file, a folder, or a clip of another kind.

    Args:
        path: The path.

    Returns:
        True if it exists.

    Example:
        >>> is_there(Path("wave.mp4"))
        True
    """
    if shard_of(path) or address_of(path) or any(opener(path, TIMEOUT) for opener in _openers):
        return clip_bytes(path) is not None
    return path.exists()


def probe(path: Path | str, *, timeout: float = TIMEOUT) -> VideoInfo:
    """Counts the frames of a clip and decodes the first.

    Args:
        path: A video file or a folder of frames.
        timeout: Seconds per step of reading; a long video takes many steps.

    Returns:
        Count, rate, size and orientation.

    Raises:
        BrokenVideo: If no frame can be decoded.

    Example:
        >>> probe("wave.mp4")
        VideoInfo(frames=24, rate=24.0, width=72, height=72, rotation=0, mirrored=False)
    """
    return frame_source(path, timeout).info()


def read_frames(
    path: Path | str,
    indices: Sequence[int] | np.ndarray,
    *,
    timeout: float = TIMEOUT,
    transform: Transform | None = None,
) -> np.ndarray:
    """Decodes frames by number, upright, as 8-bit RGB.

    Frame `i` is frame number `i` in display order, from 0. A frame of a video file that cannot be
    decoded is replaced by the nearest one that can.

    Args:
        path: A video file or a folder of frames.
        indices: At least one frame, in any order, repeats allowed, from 0 to `frames - 1`.
        timeout: Seconds per step of reading; a long video takes many steps.
        transform: Applied to each frame as it is decoded, for example a resize: a long clip in
            full size may not fit in memory.

    Returns:
        uint8 `(len(indices), H, W, 3)`.

    Raises:
        BrokenVideo: If no frame can be decoded or reading comes to a halt.
        IndexError: If there is no such frame.

    Example:
        >>> read_frames("wave.mp4", [0, 10, 11]).shape
        (3, 72, 72, 3)
    """
    source = frame_source(path, timeout)
    wanted = [int(i) for i in indices]
    if not 0 <= min(wanted) <= max(wanted) < len(source):
        raise IndexError(f"{path}: frames {min(wanted)} to {max(wanted)} of {len(source)}")
    return source.read(wanted, transform)


def iterate_frames(
    path: Path | str, *, timeout: float = TIMEOUT, transform: Transform
) -> Iterator[np.ndarray]:
    """Decodes a clip from its first frame to its last, one frame in memory at a time.

    Args:
        path: A video file or a folder of frames.
        timeout: Seconds per step of reading; a long video takes many steps.
        transform: Applied to each frame as it is decoded, for example a resize.

    Yields:
        uint8 `(H, W, 3)`, upright RGB, the frames that can be decoded in the order shown.

    Raises:
        BrokenVideo: If the clip cannot be opened or reading it fails.

    Example:
        >>> sum(1 for _ in iterate_frames("wave.mp4", transform=lambda frame: frame))
        24
    """
    yield from frame_source(path, timeout).iterate(transform)
