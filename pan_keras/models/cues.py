"""Cues: the groups of input channels of a backbone, per segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from pan_keras.backbones import InputNormalisation
from pan_keras.layers import PersistenceOfAppearance

PA_LAYER = "persistence_of_appearance"


@dataclass(frozen=True)
class AppearanceCue:
    """Normalised RGB of one frame of each stack: three channels.

    Args:
        frame: Which frame of the stack, from 0.

    Example:
        >>> AppearanceCue(frame=1).channels
        3
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

    Example:
        >>> MotionCue(first=0, last=3).channels
        3
    """

    first: int
    last: int
    layer: str = PA_LAYER

    @property
    def channels(self) -> int:
        """Channels of the cue."""
        return self.last - self.first


@dataclass(frozen=True)
class DifferenceCue:
    """Differences of adjacent frames of each stack, earlier minus later: three channels per pair.

    Args:
        first: First frame of the stack, from 0.
        last: Last frame of the stack, included.

    Raises:
        ValueError: If there is no pair of frames.

    Example:
        >>> DifferenceCue(first=0, last=3).channels
        9
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        _need_pairs(self.last - self.first)

    @property
    def channels(self) -> int:
        """Channels of the cue."""
        return 3 * (self.last - self.first)


@dataclass(frozen=True)
class FieldCue:
    """Motion fields given instead of frames: two channels, x and y, per pair.

    Args:
        pairs: Pairs of adjacent frames, m - 1.

    Raises:
        ValueError: If `pairs` is below 1.

    Example:
        >>> FieldCue(pairs=5).channels
        10
    """

    pairs: int

    def __post_init__(self) -> None:
        _need_pairs(self.pairs)

    @property
    def channels(self) -> int:
        """Channels of the cue."""
        return 2 * self.pairs


Cue = AppearanceCue | MotionCue | DifferenceCue | FieldCue


def _need_pairs(pairs: int) -> None:
    if pairs < 1:
        raise ValueError(
            f"motion is between adjacent frames; stack must be at least 2, got {pairs + 1}"
        )


def cue_maps(
    cues: Sequence[Cue],
    stacks: Any,
    normalisation: InputNormalisation,
    height: int,
    pa: Mapping[str, Any],
) -> list[Any]:
    """Computes the cues of a plan, each `(B * N, H, W, channels)`.

    Args:
        cues: The plan.
        stacks: `(B * N, m, H * W, 3)`, RGB in 0..255; for fields `(B * N, m - 1, H * W, 2)`.
        normalisation: Normalisation of the frames or fields.
        height: H.
        pa: Arguments of `PersistenceOfAppearance`.
    """
    # Several cues share the normalised frames; a single one normalises only those it needs.
    shared = len(cues) > 1
    seen = normalisation.apply(stacks) if shared else stacks
    maps = []
    for cue in cues:
        match cue:
            case AppearanceCue(frame):
                chosen = seen[:, frame]
            case FieldCue():
                chosen = seen
            case MotionCue(first, last) | DifferenceCue(first, last):
                whole = (first, last) == (0, seen.shape[1] - 1)
                chosen = seen if whole else seen[:, first : last + 1]
        chosen = chosen if shared else normalisation.apply(chosen)
        if isinstance(cue, DifferenceCue):
            chosen = chosen[:, :-1] - chosen[:, 1:]
        chosen = unfold(chosen, height)
        if isinstance(cue, MotionCue):
            chosen = PersistenceOfAppearance(**pa, name=cue.layer)(chosen)
        elif not isinstance(cue, AppearanceCue):
            chosen = beside(chosen)
        maps.append(chosen)
    return maps


def joined(parts: Sequence[Any]) -> Any:
    """Concatenates cues along the channels, in the dtype of the last one."""
    if len(parts) == 1:
        return parts[0]
    return ops.concatenate([ops.cast(part, parts[-1].dtype) for part in parts], axis=-1)


def beside(frames: Any) -> Any:
    """(B, n, H, W, C) -> (B, H, W, n * C)."""
    _, count, height, width, channels = frames.shape
    return ops.reshape(
        ops.transpose(frames, (0, 2, 3, 1, 4)), (-1, height, width, count * channels)
    )


def unfold(frames: Any, height: int) -> Any:
    """(..., H * W, C) -> (..., H, W, C)."""
    *leading, positions, channels = frames.shape
    return ops.reshape(frames, (-1, *leading[1:], height, positions // height, channels))
