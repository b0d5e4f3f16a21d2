"""Frames and motion maps of a clip side by side, as image files."""

import cv2
import matplotlib as mpl
import numpy as np

from pan_keras.drawing.panels import png

STRIP_HEIGHT = 96  # pixels


def frame_strip(frames: np.ndarray) -> bytes:
    """Frames side by side as one JPEG file.

    Args:
        frames: (N, H, W, 3) uint8.
    """
    strip = side_by_side(frames)
    return cv2.imencode(".jpg", strip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def motion_strip(motion: np.ndarray) -> bytes:
    """Motion maps side by side as one PNG file.

    Args:
        motion: (N, H, W), as for `coloured`.
    """
    return png(side_by_side(coloured(motion)))


def coloured(motion: np.ndarray) -> np.ndarray:
    """Motion maps in colours, bright where much moves: uint8 (N, H, W, 3).

    Args:
        motion: (N, H, W); the clip's own range becomes the range of the colours, but for the
            brightest two in a thousand, which would darken all else.
    """
    low, high = motion.min(), np.quantile(motion, 0.998)
    share = np.clip((motion - low) / max(high - low, 1e-12), 0, 1)
    return mpl.colormaps["inferno"](share, bytes=True)[..., :3]


def side_by_side(pictures: np.ndarray) -> np.ndarray:
    """Pictures (N, H, W, 3) in one row, no higher than the page shows them."""
    return np.hstack([_small(picture) for picture in pictures])


def _small(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    if height <= STRIP_HEIGHT:
        return picture
    size = (max(1, round(width * STRIP_HEIGHT / height)), STRIP_HEIGHT)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
