"""Pairs of adjacent frames of a video.

A module of its own, since overlays of bundles need it without Keras.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from pan_keras.errors import UserError
from pan_keras.video import frame_source, read_frames

SAMPLES = 16  # pairs that determine a colour scale
CHUNK = 17  # frames per call of PA
UNKNOWN_RATE = 25.0  # frames per second if the file does not say


def sample_pairs(video: Path, transform: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
    """Reads pairs of adjacent frames, spread over a video.

    Args:
        video: A video file.
        transform: Applied to each frame.

    Returns:
        Up to 16 arrays uint8 `(2, H, W, 3)`.

    Raises:
        UserError: If the video cannot be read or has only one frame.
    """
    count = len(frame_source(video))
    if count < 2:
        raise UserError(f"{video}: it has only one frame; motion needs two or more")
    firsts = np.unique(np.linspace(0, count - 2, SAMPLES).round().astype(int))
    read = read_frames(video, np.stack([firsts, firsts + 1], -1).ravel(), transform=transform)
    return list(read.reshape(-1, 2, *read.shape[1:]))


def chunks(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Stacks adjacent frames into chunks; each begins with the last frame of the previous one."""
    held: list[np.ndarray] = []
    for frame in frames:
        held.append(frame)
        if len(held) == CHUNK:
            yield np.stack(held)
            held = held[-1:]
    if len(held) > 1:
        yield np.stack(held)
