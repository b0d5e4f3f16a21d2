"""Frame count, rate and size of a clip."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a clip.

    Args:
        frames: Number of displayed frames, counted.
        rate: Mean frames per second; 0 if not stored.
        width: Width in pixels, upright.
        height: Height in pixels, upright.
        rotation: Counter-clockwise rotation in degrees applied to stored frames.
        mirrored: Whether they are mirrored horizontally before the rotation.

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
    """Size and modification time of a clip, which identify a version of it.

    Attributes:
        size: Total size of its files in bytes.
        changed: Latest modification time in nanoseconds.

    Example:
        >>> FileState(size=13824, changed=1_700_000_000_000_000_000).size
        13824
    """

    size: int
    changed: int
