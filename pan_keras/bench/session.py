"""The interface between a target and the benchmark: something to call and time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Timing:
    """What a call reports of its own time, if wall time is not the whole answer.

    Attributes:
        seconds: Times that replace the call's wall time: one if a part of the call is excluded,
            several if the call made several measurements.
        parts: Seconds of the parts of the call by name, such as `preprocess`, `run`, `read_back`.
    """

    seconds: tuple[float, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)


class Session(Protocol):
    """An open case in a process of its own.

    Attributes:
        device: Device that it runs on, such as `cpu` or the name of a GPU.
        backend: Keras backend with its version; None for other runtimes.
        units: Units of work per call: the pairs of frames of a motion cue, the clips of a model.
        divisible: Whether a call may process fewer units in proportionally less time. Slow methods
            are then timed on a part of the work.
        facts: Further facts for the row, read after all rounds.
    """

    device: str
    backend: str | None
    units: int
    divisible: bool
    facts: dict[str, Any]

    def run(self, units: int) -> Timing | None:
        """Does the work once and returns when the device has finished.

        Args:
            units: Number of units to process; all of them unless the session is divisible.
        """

    def answer(self) -> np.ndarray | None:
        """Returns the result of the whole work, to compare with the reference; None if none."""


class CallSession:
    """Wraps a function that does the whole work.

    Args:
        call: Does the work once.
        units: Units of work per call.
        device: Device that it runs on.
        answer: Returns the result to compare with the reference.

    Example:
        >>> CallSession(lambda: sum(range(1000)), units=1).run(1)
    """

    divisible = False
    backend: str | None = None

    def __init__(self, call: Any, units: int, device: str = "cpu", answer: Any = None):
        self.call = call
        self.units = units
        self.device = device
        self.facts: dict[str, Any] = {}
        self._answer = answer

    def run(self, _units: int) -> Timing | None:
        """Does the work once."""
        found = self.call()
        return found if isinstance(found, Timing) else None

    def answer(self) -> np.ndarray | None:
        """Returns the result of the work."""
        return None if self._answer is None else np.asarray(self._answer())
