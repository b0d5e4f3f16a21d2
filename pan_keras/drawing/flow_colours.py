"""Optical flow as a picture: hue for the direction, brightness for the speed."""

import cv2
import numpy as np


def flow_colours(flow: np.ndarray, fastest: float) -> np.ndarray:
    """Colours a flow field; what stands still is black.

    Args:
        flow: `(H, W, 2)`, pixels to the right and pixels down.
        fastest: Speed in pixels that gets full brightness; what is faster looks the same.

    Returns:
        uint8 `(H, W, 3)`, RGB: red to the right, yellow-green down, cyan to the left, violet up.

    Example:
        >>> flow_colours(np.full((1, 1, 2), (4.0, 0.0), "float32"), fastest=4.0)[0, 0].tolist()
        [255, 0, 0]
    """
    speed, angle = cv2.cartToPolar(
        np.ascontiguousarray(flow[..., 0]), np.ascontiguousarray(flow[..., 1])
    )
    hue = (angle * (90 / np.pi)).astype(np.uint8) % 180  # OpenCV's hues end at 180
    value = np.clip(speed * (255 / max(fastest, 1e-12)), 0, 255).astype(np.uint8)
    return cv2.cvtColor(np.stack([hue, np.full_like(hue, 255), value], -1), cv2.COLOR_HSV2RGB)


def flow_wheel(side: int) -> np.ndarray:
    """The key to the colours: a disc whose middle stands still and whose rim is fastest.

    Args:
        side: Height and width in pixels.

    Returns:
        uint8 `(side, side, 3)`, RGB.
    """
    steps = np.linspace(-1, 1, side, dtype=np.float32)
    flow = np.stack(np.meshgrid(steps, steps), -1)
    flow[np.hypot(flow[..., 0], flow[..., 1]) > 1] = 0
    return flow_colours(flow, 1.0)
