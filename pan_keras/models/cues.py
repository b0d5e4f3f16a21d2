"""Cues: the groups of channels that a backbone sees of each segment."""

from dataclasses import dataclass

PA_LAYER = "persistence_of_appearance"


@dataclass(frozen=True)
class AppearanceCue:
    """Normalised colours of one frame of each stack: three channels.

    Args:
        frame: Which frame of the stack, from 0.
    """

    frame: int = 0

    @property
    def channels(self) -> int:
        """Channels of the cue."""
        return 3


@dataclass(frozen=True)
class MotionCue:
    """PA of adjacent frames of each stack, computed on normalised frames: a channel per pair.

    Args:
        first: First frame of the stack, from 0.
        last: Last frame of the stack, included.
        layer: Name of the network's layer that computes it, a `PersistenceOfAppearance`: depth,
            kernel size, encoding and weights are there.
    """

    first: int
    last: int
    layer: str = PA_LAYER

    @property
    def channels(self) -> int:
        """Channels of the cue."""
        return self.last - self.first


Cue = AppearanceCue | MotionCue
