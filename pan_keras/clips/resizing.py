"""Resizes frames with NumPy alone, with the same pixels as in training.

Pixels are computed in integers, with interpolation weights rounded to 256ths, so every processor
and language gives the same bytes. `docs/bundle.md` describes it in a dozen lines.
"""

from functools import lru_cache
from typing import Final, Literal, get_args

import numpy as np

from pan_keras.clips.resizing_v1 import resize_v1

Resizing = Literal[1, 2]
RESIZINGS = get_args(Resizing)
RESIZING: Final = 2

Size = tuple[int, int]

COLOURS = 3
ONE = 256  # the sum of two weights
VALUES = 1 << 16  # block size that fits the processor's cache

Weights = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def resize(frame: np.ndarray, size: tuple[int, int], version: int = RESIZING) -> np.ndarray:
    """Scales a frame to `size` (H, W).

    Args:
        frame: uint8 `(h, w, 3)`.
        size: Height and width in pixels.
        version: 1, or 2 for the newest.

    Returns:
        uint8 `(H, W, 3)`, the pixels of `pan_keras.clips.opencv_resizing.resize`.

    Example:
        >>> resize(np.zeros((240, 320, 3), np.uint8), (84, 112)).shape
        (84, 112, 3)
    """
    if frame.shape[:2] == tuple(size):
        return frame
    if version == 1:
        return resize_v1(frame, size)
    for height, width in resizing_steps(frame.shape[:2], size):
        whole = frame[: 2 * height, : 2 * width]
        halves = whole.shape[:2] == (2 * height, 2 * width)
        frame = _halve(whole) if halves else _interpolate(whole, (height, width))
    return frame


def resizing_steps(frame_size: Size, size: Size) -> list[Size]:
    """Returns the sizes of version 2's steps, each a bilinear interpolation.

    A side is halved while it is at least twice the target length; an odd last row or column is
    dropped. A side that is still too long is enlarged to twice the target length and halved, which
    averages over all pixels; bilinear interpolation alone would skip some.

    Args:
        frame_size: Height and width of the frame.
        size: Target height and width.

    Returns:
        Height and width after each step, ending in `size`; empty if the frame has that size.

    Example:
        >>> resizing_steps((1080, 1920), (256, 455))
        [(540, 960), (270, 480), (512, 910), (256, 455)]
    """
    steps = []
    now = frame_size
    while any(_halves(*pair) for pair in zip(now, size, strict=True)):
        height, width = (
            side // 2 if _halves(side, wanted) else side
            for side, wanted in zip(now, size, strict=True)
        )
        now = (height, width)
        steps.append(now)
    if now[0] > size[0] or now[1] > size[1]:
        height, width = (
            2 * wanted if side > wanted else wanted for side, wanted in zip(now, size, strict=True)
        )
        now = (height, width)
        steps.append(now)
    return steps if now == size else [*steps, size]


def _halve(frame: np.ndarray) -> np.ndarray:
    """Computes `_interpolate` to half the size in a fifth of the time."""
    height, width = frame.shape[0] // 2, frame.shape[1] // 2
    pixels = np.empty((height, width, COLOURS), np.uint8)
    portion = _portion(2 * width)
    for top in range(0, height, portion):
        rows = frame[2 * top : 2 * (top + portion)]
        sums = np.add(rows[::2], rows[1::2], dtype=np.uint16)
        for colour in range(COLOURS):
            both = sums[:, ::2, colour] + sums[:, 1::2, colour]
            both += 2
            both >>= 2
            pixels[top : top + portion, :, colour] = both
    return pixels


def _interpolate(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    # Colours are merged into the columns, because NumPy is slow along an axis of length 3.
    frame = frame.reshape(len(frame), -1)
    left, right, near, far = _column_weights(frame.shape[1] // COLOURS, size[1])
    lines = frame.take(left, axis=1) * near
    lines += frame.take(right, axis=1) * far
    upper, lower, near, far = _weights(len(frame), size[0])
    near, far = near.astype(np.uint32)[:, None], far.astype(np.uint32)[:, None]
    pixels = np.empty((size[0], size[1] * COLOURS), np.uint8)
    portion = _portion(size[1])
    for top in range(0, size[0], portion):
        rows = slice(top, top + portion)
        sums = lines[upper[rows]] * near[rows]
        sums += lines[lower[rows]] * far[rows]
        sums += ONE * ONE // 2
        sums >>= 16
        pixels[rows] = sums
    return pixels.reshape(*size, COLOURS)


def _portion(width: int) -> int:
    """Returns the number of rows per block."""
    return max(1, VALUES // (width * COLOURS))


@lru_cache(maxsize=64)
def _column_weights(source: int, target: int) -> Weights:
    """Returns `_weights` for rows with interleaved colours."""
    left, right, near, far = _weights(source, target)
    colours = np.arange(COLOURS)
    left, right = ((places[:, None] * COLOURS + colours).ravel() for places in (left, right))
    return left, right, near.repeat(COLOURS), far.repeat(COLOURS)


@lru_cache(maxsize=64)
def _weights(source: int, target: int) -> Weights:
    """Returns the two source pixels of each target pixel, and their weights in 256ths."""
    exact = (np.arange(target) + 0.5) * (1 / (target / source)) - 0.5
    place = np.floor(exact)
    far = np.rint((exact - place) * ONE)
    far[(place < 0) | (place >= source - 1)] = 0
    near = place.clip(0, source - 1).astype(np.intp)
    beyond = np.minimum(near + 1, source - 1)
    return near, beyond, (ONE - far).astype(np.uint16), far.astype(np.uint16)


def _halves(side: int, wanted: int) -> bool:
    return side >= 2 * wanted
