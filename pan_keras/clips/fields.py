"""Quantises, resizes, mirrors and rotates motion fields and their vectors.

A field `(h, w, 2)` holds each pixel's displacement to the next frame, in pixels to the right and
down. Transforming the image transforms the vectors too: scaling multiplies them, mirroring negates
the horizontal component.

References:
    Wang et al., "Temporal Segment Networks", ECCV 2016 (flow within 20 pixels as bytes).
"""

import cv2
import numpy as np

from pan_keras.clips.resizing import resizing_steps

RANGE = 20.0  # pixels in either direction
ZERO = 128  # byte value of zero motion
STEPS = 127  # from zero motion to RANGE


def to_bytes(field: np.ndarray) -> np.ndarray:
    """Quantises a field symmetrically about zero in steps of 20/127 = 0.16 pixels.

    Args:
        field: Displacements in pixels, float of any shape; clipped to 20 pixels in either
            direction.

    Returns:
        uint8 of the same shape, 1 to 255; 128 means no motion.

    Example:
        >>> to_bytes(np.array([-30.0, 0.0, 0.2, 20.0]))
        array([  1, 128, 129, 255], dtype=uint8)
    """
    steps = np.rint(field * (STEPS / RANGE))
    return (np.clip(steps, -STEPS, STEPS) + ZERO).astype(np.uint8)


def from_bytes(stored: np.ndarray) -> np.ndarray:
    """Converts the bytes of `to_bytes` back to pixels, float32."""
    return (stored.astype(np.float32) - ZERO) * np.float32(RANGE / STEPS)


def resize_field(field: np.ndarray, size: tuple[int, int], _version: int = 2) -> np.ndarray:
    """Scales a field, and its vectors accordingly, to `size`.

    Uses the steps of version 2 of the resizing arithmetic, in floating point.

    Args:
        field: float32 `(h, w, 2)`, pixels.
        size: Height and width (H, W) of the result.

    Returns:
        float32 `(H, W, 2)`: horizontal components times `W / w`, vertical ones times `H / h`.
    """
    before = (field.shape[0], field.shape[1])
    if before == tuple(size):
        return field
    for height, width in resizing_steps(before, size):
        whole = field[: 2 * height, : 2 * width]
        field = cv2.resize(whole, (width, height), interpolation=cv2.INTER_LINEAR)
    return field * np.array([size[1] / before[1], size[0] / before[0]], np.float32)


def resize_bytes(stored: np.ndarray, size: tuple[int, int], _version: int = 2) -> np.ndarray:
    """Applies `resize_field` to a quantised field, uint8 `(h, w, 2)`."""
    if stored.shape[:2] == tuple(size):
        return stored
    return to_bytes(resize_field(from_bytes(stored), size))


def mirrored(stored: np.ndarray) -> np.ndarray:
    """Mirrors fields horizontally and negates their horizontal components.

    Args:
        stored: uint8 `(T, h, w, 2)`.

    Returns:
        uint8 of the same shape; mirroring again restores the original.
    """
    found = stored[:, :, ::-1].copy()
    # uint8 wraps around, which gives 256 - byte.
    found[..., 0] = -found[..., 0]
    return found


def warped(stored: np.ndarray, way: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Applies an affine transform to fields and their vectors.

    Args:
        stored: uint8 `(T, h, w, 2)`.
        way: `(2, 3)` transform from result pixels (x, y, 1) to frame pixels.
        size: Height and width (H, W) of the result.

    Returns:
        uint8 `(T, H, W, 2)`; the frame's edge is replicated beyond its border.
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
