"""Dense optical flow with OpenCV."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from pan_keras.errors import UserError

CONTRIBUTED: Any = getattr(cv2, "optflow", None)  # from OpenCV's contrib modules
SMALL = 200  # pixels of a side, below which DIS refines to full resolution


def _dis(preset: int) -> Any:
    return cv2.DISOpticalFlow.create(preset)


def _dis_medium(side: int) -> Any:
    solver = _dis(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    if side < SMALL:
        solver.setFinestScale(0)
    return solver


# By method, a function from the shorter side of the frames to a solver.
SOLVERS: dict[str, Callable[[int], Any]] = {
    "tvl1": lambda _: CONTRIBUTED.DualTVL1OpticalFlow_create(),
    "farneback": lambda _: cv2.FarnebackOpticalFlow.create(),
    "dis_ultrafast": lambda _: _dis(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST),
    "dis_fast": lambda _: _dis(cv2.DISOPTICAL_FLOW_PRESET_FAST),
    "dis_medium": _dis_medium,
}
METHODS = tuple(SOLVERS)


class OpticalFlow:
    """Computes dense optical flow with OpenCV: the displacement of each pixel between two frames.

    A `FlowMethod`. It is stateless, so it can be pickled and shared between threads.

    Args:
        method: `"tvl1"`, total variation with OpenCV's defaults, which the paper's tables use;
            `"farneback"`, polynomial expansion; or dense inverse search with one of OpenCV's
            presets: `"dis_ultrafast"`, `"dis_fast"`, `"dis_medium"`. On frames with a side below
            200 pixels `"dis_medium"` refines to full resolution, where the preset stops at half.

    Raises:
        UserError: If there is no such method, or the installed OpenCV lacks it.

    Example:
        >>> earlier, later = np.zeros((2, 240, 320, 3), "uint8")
        >>> OpticalFlow("dis_medium")(earlier, later).shape
        (240, 320, 2)

    References:
        Zach, Pock, Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007.
        Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003.
        Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
        PAN paper, Table II, Sec. V-C and Fig. 7.
    """

    def __init__(self, method: str = "dis_medium"):
        if method not in METHODS:
            raise UserError(f"flow: {method!r} is not one of {', '.join(METHODS)}")
        if method == "tvl1" and CONTRIBUTED is None:
            raise UserError(
                "flow: the installed OpenCV has no TV-L1; uninstall the opencv packages, then "
                "install opencv-contrib-python-headless"
            )
        self.method = method

    def __call__(self, earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
        """Computes the flow from one frame to the next.

        Args:
            earlier: uint8 `(H, W, 3)`, RGB.
            later: The next frame.

        Returns:
            float32 `(H, W, 2)`: pixels to the right and pixels down.

        Raises:
            UserError: If the frames are too small or differ in size.
        """
        (height, width), other = earlier.shape[:2], later.shape[:2]
        if (height, width) != other:
            raise UserError(
                f"flow: frames of {width}x{height} and {other[1]}x{other[0]} pixels; "
                "both must have one size"
            )
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (earlier, later)]
        try:
            flow: np.ndarray = SOLVERS[self.method](min(height, width)).calc(*grey, None)
        except cv2.error as error:
            raise UserError(
                f"flow: {self.method} cannot work on frames of {width}x{height} pixels; "
                "use larger ones"
            ) from error
        return flow
