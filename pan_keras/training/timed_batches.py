"""Batches, and how long they were waited for."""

import time
from collections.abc import Iterator


class TimedBatches:
    """Goes through batches and counts the seconds until each is there.

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
