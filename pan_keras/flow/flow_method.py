"""The protocol of optical flow methods."""

from typing import Protocol

import numpy as np


class FlowMethod(Protocol):
    """A method that computes dense optical flow between two frames.

    Attributes:
        method: Name of the method, as in the tables.

    Example:
        >>> method: FlowMethod = OpticalFlow("dis_fast")
        >>> earlier, later = np.zeros((2, 240, 320, 3), "uint8")
        >>> method(earlier, later).shape
        (240, 320, 2)
    """

    method: str

    def __call__(self, earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
        """Computes the displacement of each pixel from one frame to the next.

        Args:
            earlier: uint8 `(H, W, 3)`, RGB.
            later: The next frame.

        Returns:
            float32 `(H, W, 2)`: pixels to the right and pixels down. Content at (x, y) in the
            earlier frame is at (x, y) + flow in the later one.
        """
