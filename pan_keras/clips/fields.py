"""Motion fields as bytes: quantised, resized, mirrored and turned together with their vectors.

A field `(h, w, 2)` says how far each pixel moves to the next frame, in pixels to the right and
pixels down. Whatever changes the picture changes the vectors too: scaling makes them shorter or
longer, a mirror negates those across.

References:
    Wang et al., "Temporal Segment Networks", ECCV 2016 (flow within 20 pixels as bytes).
"""

import cv2
import numpy as np

from pan_keras.clips.resizing import resizing_steps

RANGE = 20.0  # pixels, either way
ZERO = 128  # the byte of no motion
STEPS = 127  # from no motion to RANGE


def to_bytes(field: np.ndarray) -> np.ndarray:
    """Quantises a field, symmetrically about no motion, in steps of 20/127 = 0.16 pixels.

    Args:
        field: Pixels, float of any shape; beyond 20 pixels either way they are cut off.

    Returns:
        uint8 of the same shape, 1 to 255; 128 stands for no motion.

    Example:
        >>> to_bytes(np.array([-30.0, 0.0, 0.2, 20.0]))
        array([  1, 128, 129, 255], dtype=uint8)
    """
    steps = np.rint(field * (STEPS / RANGE))
    return (np.clip(steps, -STEPS, STEPS) + ZERO).astype(np.uint8)


def from_bytes(stored: np.ndarray) -> np.ndarray:
    """Pixels, float32, of what `to_bytes` gave."""
    return (stored.astype(np.float32) - ZERO) * np.float32(RANGE / STEPS)


def resize_field(field: np.ndarray, size: tuple[int, int], _version: int = 2) -> np.ndarray:
    """Scales a field to `size`, and its vectors with it.

    The picture is scaled as version 2 of the arithmetic for frames does it, in floating point.

    Args:
        field: float32 `(h, w, 2)`, pixels.
        size: Height and width (H, W) of the result.

    Returns:
        float32 `(H, W, 2)`: vectors across times `W / w`, vectors down times `H / h`.
    """
    before = (field.shape[0], field.shape[1])
    if before == tuple(size):
        return field
    for height, width in resizing_steps(before, size):
        whole = field[: 2 * height, : 2 * width]
        field = cv2.resize(whole, (width, height), interpolation=cv2.INTER_LINEAR)
    return field * np.array([size[1] / before[1], size[0] / before[0]], np.float32)


def resize_bytes(stored: np.ndarray, size: tuple[int, int], _version: int = 2) -> np.ndarray:
    """`resize_field` of a field in bytes, uint8 `(h, w, 2)`."""
    if stored.shape[:2] == tuple(size):
        return stored
    return to_bytes(resize_field(from_bytes(stored), size))


def mirrored(stored: np.ndarray) -> np.ndarray:
    """Fields of the mirrored frames: left and right swapped, vectors across negated.

    Args:
        stored: uint8 `(T, h, w, 2)`.

    Returns:
        uint8 of the same shape; mirrored once more it is what it was.
    """
    found = stored[:, :, ::-1].copy()
    # 256 less the byte, which has no place in a byte.
    found[..., 0] = -found[..., 0]
    return found


def warped(stored: np.ndarray, way: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Fields of frames that are turned and scaled.

    Args:
        stored: uint8 `(T, h, w, 2)`.
        way: `(2, 3)`, from a pixel (x, y, 1) of the result to one of the frames.
        size: Height and width (H, W) of the result.

    Returns:
        uint8 `(T, H, W, 2)`; beyond the frame its edge is repeated.
    """
    back = np.linalg.inv(way[:, :2]).T.astype(np.float32)
    found = [
        cv2.warpAffine(
            from_bytes(field),
            way,
            size[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for field in stored
    ]
    return to_bytes(np.stack(found) @ back)
