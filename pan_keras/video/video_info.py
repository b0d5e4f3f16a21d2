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

    Example:
        >>> VideoInfo(frames=81, rate=30.0, width=214, height=160, rotation=0).height
        160
    """

    frames: int
    rate: float
    width: int
    height: int
    rotation: int
    mirrored: bool = False


class FileState(NamedTuple):
    """Size and time of change of a clip; they differ when it was changed.

    Attributes:
        size: Bytes of its file, or of all its files.
        changed: The latest time of change, in nanoseconds.

    Example:
        >>> FileState(size=13824, changed=1_700_000_000_000_000_000).size
        13824
    """

    size: int
    changed: int
