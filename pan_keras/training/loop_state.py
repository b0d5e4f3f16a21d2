"""The state of the training loop besides the variables, and the batches it waits for."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Sums:
    """What has added up since the start of an epoch."""

    loss: float = 0.0
    correct: int = 0
    clips: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    def figures(self) -> dict[str, float]:
        """Means a person reads."""
        return {
            "loss": self.loss / max(1, self.clips),
            "accuracy": self.correct / max(1, self.clips),
            "clips_per_second": self.clips / max(1e-9, self.seconds),
            "input_wait": self.waited / max(1e-9, self.seconds),
        }


@dataclass
class State:
    """Where the loop stands; saved with each checkpoint.

    Args:
        step: Steps done.
        best: The best validation accuracy so far and its negative loss, for `patience`.
        stale: Epochs since then.
        rows: One row of metrics an epoch.
        sums: What has added up in the running epoch.
        versions: Versions of what did the steps, each with the first `step` that it did.
    """

    step: int = 0
    best: list[float] = field(default_factory=list)
    stale: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    versions: list[dict[str, Any]] = field(default_factory=list)


class TimedBatches:
    """Iterates over batches and measures the time spent waiting for them.

    Args:
        batches: Gives the batches.

    Attributes:
        waited: Seconds waited since the start.
    """

    def __init__(self, batches: Iterator):
        self.batches = batches
        self.waited = 0.0

    def __iter__(self) -> "TimedBatches":
        return self

    def __next__(self):
        start = time.perf_counter()
        batch = next(self.batches)
        self.waited += time.perf_counter() - start
        return batch
