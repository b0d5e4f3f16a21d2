"""Samples the frames of a video that a model sees: N stacks of m adjacent frames.

Frames are numbered from 0. A stack that runs past the end of a video repeats its last frame, so
even a video of one frame works.

References:
    Wang et al., "Temporal Segment Networks", ECCV 2016 (segments).
    Wang et al., "Non-local Neural Networks", CVPR 2018 (dense: a window of 64 frames).
    PAN paper, Sec. V-A.
"""

from collections.abc import Callable

import numpy as np

DENSE_WINDOW = 64
DENSE_VIEWS = 10

Integers = Callable[..., np.ndarray]


def stack_frames(starts: np.ndarray, frames: int, stack: int) -> np.ndarray:
    """Returns the frame numbers of each stack.

    Args:
        starts: First frame of each stack `(..., N)`.
        frames: Frames in the video.
        stack: Frames per stack, m.

    Returns:
        Frame numbers `(..., N, m)`.

    Example:
        >>> stack_frames(np.array([0, 4]), frames=6, stack=3)
        array([[0, 1, 2],
               [4, 5, 5]])
    """
    return np.minimum(np.asarray(starts)[..., None] + np.arange(stack), frames - 1)


def random_starts(frames: int, segments: int, stack: int, integers: Integers) -> np.ndarray:
    """Draws one random start in each of N equal segments, for training.

    A video with fewer possible starts than segments gives sorted random starts. A video with no
    more frames than segments gives its first frame N times.

    Args:
        frames: Frames in the video.
        segments: Number of stacks, N.
        stack: Frames per stack, m.
        integers: Draws integers: `numpy.random.Generator.integers`, or a function with the same
            `(high, size=)`.

    Returns:
        First frame of each stack `(N,)`.
    """
    places = frames - stack + 1
    length = places // segments
    if length > 0:
        return np.arange(segments) * length + integers(length, size=segments)
    if frames > segments and places > 0:
        return np.sort(integers(places, size=segments))
    return np.zeros(segments, np.int64)


def central_starts(frames: int, segments: int, stack: int) -> np.ndarray:
    """Returns the middle of each segment, or the start for a short video, for validation.

    Args:
        frames: Frames in the video.
        segments: Number of stacks, N.
        stack: Frames per stack, m.

    Returns:
        First frame of each stack `(N,)`.
    """
    if frames > segments + stack - 1:
        return spread_starts(frames, segments, stack)[0]
    return np.zeros(segments, np.int64)


def spread_starts(frames: int, segments: int, stack: int, views: int = 1) -> np.ndarray:
    """Returns the middle of each segment, for any video length, for testing.

    Args:
        frames: Frames in the video.
        segments: Number of stacks, N.
        stack: Frames per stack, m.
        views: 1, or 2 to add a view at the start of each segment.

    Returns:
        First frame of each stack `(views, N)`.

    Raises:
        ValueError: If `views` is neither 1 nor 2.
    """
    if views not in (1, 2):
        raise ValueError(f"views must be 1 or 2, got {views}; for 10 use dense_views")
    tick = (frames - stack + 1) / segments
    firsts = [tick / 2.0 + tick * np.arange(segments), tick * np.arange(segments)]
    # The tick is negative for a video shorter than a stack; its stacks start at the first frame.
    return np.maximum(np.stack(firsts[:views]).astype(np.int64), 0)


def dense_starts(frames: int, segments: int, integers: Integers) -> np.ndarray:
    """Returns N evenly spaced starts in a random window of 64 frames, for dense training.

    A video shorter than the window is repeated from its start.

    Args:
        frames: Frames in the video.
        segments: Number of stacks, N.
        integers: Draws integers, as for `random_starts`.

    Returns:
        First frame of each stack `(N,)`.
    """
    windows = max(1, 1 + frames - DENSE_WINDOW)
    start = 0 if windows == 1 else int(integers(windows - 1))
    return _window(start, frames, segments)


def dense_views(frames: int, segments: int) -> np.ndarray:
    """Returns the starts in ten evenly spaced windows of 64 frames, for dense testing.

    Args:
        frames: Frames in the video.
        segments: Number of stacks, N.

    Returns:
        First frame of each stack `(10, N)`.
    """
    windows = max(1, 1 + frames - DENSE_WINDOW)
    starts = np.linspace(0, windows - 1, num=DENSE_VIEWS, dtype=np.int64)
    return np.stack([_window(int(start), frames, segments) for start in starts])


def _window(start: int, frames: int, segments: int) -> np.ndarray:
    return (start + np.arange(segments) * (DENSE_WINDOW // segments)) % frames


# Changing a number changes the random streams of every seed.
ORDER, EXAMPLE, MIXUP = range(3)


def random_stream(seed: int, purpose: int, *place: int) -> np.random.Generator:
    """Returns the random generator for one purpose at one position in training.

    Args:
        seed: Training seed.
        purpose: `ORDER`, `EXAMPLE` or `MIXUP`.
        place: Position, such as epoch and index.

    Example:
        >>> random_stream(7, ORDER, 3).permutation(4)
        array([2, 1, 0, 3])
    """
    # Entropy words alone would collide: NumPy treats [s, e] and [s, e, 0] as equal seeds.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *place)))
