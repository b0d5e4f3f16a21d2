"""Frame count, rate and size of a clip."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class VideoInfo:
    """What a clip holds.

    Args:
        frames: Frames that are shown, counted.
        rate: Frames per second, the mean over the file; 0 where that is not stored.
        width: Pixels across, upright.
        height: Pixels down, upright.
        rotation: Degrees, counter-clockwise, by which stored frames were turned upright.
        mirrored: Whether they were mirrored left to right before they were turned.
    """

    frames: int
    rate: float
    width: int
    height: int
    rotation: int
    mirrored: bool = False


class FileState(NamedTuple):
    """By which it is noticed that a clip was changed.

    Attributes:
        size: Bytes of its file, or of all its files.
        changed: The latest time of change, in nanoseconds.
    """

    size: int
    changed: int
