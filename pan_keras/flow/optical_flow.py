"""Dense optical flow by OpenCV."""

from typing import Any

import cv2
import numpy as np

from pan_keras.errors import UserError

CONTRIBUTED: Any = getattr(cv2, "optflow", None)  # of OpenCV's contrib modules
METHODS = ("dis", "tvl1")
SMALL = 200  # pixels; below, DIS refines down to single pixels, for there are few


class OpticalFlow:
    """Dense optical flow: the displacement of each pixel between two frames.

    Args:
        method: `"dis"`, dense inverse search, which is fast; or `"tvl1"`, total variation, which
            the paper's tables use and which is tens of times slower. TV-L1 is in OpenCV's
            contrib modules, and the package that pan-keras asks for has none of them.

    Raises:
        UserError: If there is no such method, or the installed OpenCV lacks it.

    Example:
        >>> flow = OpticalFlow("dis")(earlier, later)  # two frames of 240 x 320 pixels
        >>> flow.shape
        (240, 320, 2)

    References:
        Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
        Zach, Pock, Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007.
        PAN paper, Sec. V-C and Fig. 7.
    """

    def __init__(self, method: str = "dis"):
        if method not in METHODS:
            raise UserError(f"flow: {method!r} is none of {', '.join(METHODS)}")
        if method == "tvl1" and CONTRIBUTED is None:
            raise UserError(
                "flow: the installed OpenCV has no TV-L1; use dis, or put "
                "opencv-contrib-python-headless in the place of opencv-python-headless"
            )
        self.method = method

    def __call__(self, earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
        """The flow from one frame to the next.

        Args:
            earlier: uint8 `(H, W, 3)`, RGB.
            later: The next frame.

        Returns:
            float32 `(H, W, 2)`: pixels to the right and pixels down.

        Raises:
            UserError: If the frames are too small.
        """
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (earlier, later)]
        try:
            return self._solver(min(earlier.shape[:2])).calc(*grey, None)
        except cv2.error as error:
            height, width = earlier.shape[:2]
            raise UserError(
                f"flow: {self.method} cannot work on frames of {width}x{height} pixels; "
                "take larger ones"
            ) from error

    def _solver(self, side: int):
        if self.method == "tvl1":
            return CONTRIBUTED.DualTVL1OpticalFlow_create()
        solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        if side < SMALL:
            solver.setFinestScale(0)
        return solver
