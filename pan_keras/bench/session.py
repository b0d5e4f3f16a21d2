"""What a target gives the harness: something that can be called and timed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Timing:
    """What a call says of its own time, where wall time is not the whole answer.

    Attributes:
        seconds: Times that count instead of the call's wall time: one where a part of the call is
            not to be counted, several where the call measured several itself.
        parts: Seconds of parts of the call by name, such as `preprocess`, `run`, `read_back`.
    """

    seconds: tuple[float, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)


class Session(Protocol):
    """An open case in a process of its own.

    Attributes:
        device: What it runs on, such as `cpu` or the name of a GPU.
        backend: Of Keras, with its version; None where it is not Keras that computes.
        units: Units of work in a whole call: the pairs of frames of a motion cue, the clips of a
            model.
        divisible: Whether a call may do fewer units at a cost in proportion. Slow methods are then
            timed on a part of the work.
        facts: What else is worth a place in the row, known once all rounds are over.
    """

    device: str
    backend: str | None
    units: int
    divisible: bool
    facts: dict[str, Any]

    def run(self, units: int) -> Timing | None:
        """Does the work once and returns when the device is done with it.

        Args:
            units: How much of it; all of it, unless the session is divisible.
        """

    def answer(self) -> np.ndarray | None:
        """The result of the whole work, to compare with the reference; None if there is none."""


class CallSession:
    """A session around a function that does the whole work.

    Args:
        call: Does the work once.
        units: Units of work in a call.
        device: What it runs on.
        answer: Gives the result to compare with the reference.

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
        """The result of the work."""
        return None if self._answer is None else np.asarray(self._answer())
