"""Runs OpenCV's motion cues, pair by pair."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames

REQUIRES = ("cv2",)


class OpenCVSession:
    """Calls a function of two adjacent frames for one pair after the other.

    Like a video pipeline, it reuses its solver and converts each frame of a stack to grey once.
    """

    divisible = True
    device = "cpu"
    backend: str | None = None

    def __init__(self, case: Case):
        import cv2  # noqa: PLC0415

        cv2.setNumThreads(case.threads)
        self._frames = moving_frames(case.work)
        self.units = case.work.pairs
        self.facts: dict[str, Any] = {}
        self._prepare, self._cue = _functions(case)
        self._next = 0
        self._later: Any = None

    def run(self, units: int) -> None:
        """Computes the cue of the next pairs, after those of the last call."""
        for _ in range(units):
            stack, place = divmod(self._next, self._frames.shape[1] - 1)
            frames = self._frames[stack]
            earlier = self._later if place else self._prepare(frames[0])
            self._later = self._prepare(frames[place + 1])
            self._cue(earlier, self._later)
            self._next = (self._next + 1) % self.units

    def answer(self) -> np.ndarray:
        """Returns the cue of the first pair."""
        earlier, later = self._frames[0, :2]
        return self._cue(self._prepare(earlier), self._prepare(later))


def open_session(case: Case) -> OpenCVSession:
    """Generates the frames and creates the solver."""
    return OpenCVSession(case)


def _functions(case: Case) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    """Returns a function applied to each frame, and one applied to each pair."""
    import cv2  # noqa: PLC0415

    if case.method == "difference":
        return lambda frame: frame, lambda a, b: cv2.subtract(b, a, dtype=cv2.CV_16S)
    from pan_keras.flow import OpticalFlow  # noqa: PLC0415
    from pan_keras.flow.optical_flow import SOLVERS  # noqa: PLC0415

    # It raises a clear error if the method is not available.
    method = OpticalFlow(case.method).method
    solver = SOLVERS[method](min(case.work.height, case.work.width))
    return lambda frame: cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (
        lambda earlier, later: solver.calc(earlier, later, None)
    )
