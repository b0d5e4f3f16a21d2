"""How functions are timed beside each other."""

import time
from collections.abc import Callable

WARM_UP = 2


def time_in_turns(functions: dict[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Seconds of each function, taking turns so that a slow moment of the machine hits all."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for index in range(WARM_UP + rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if index >= WARM_UP:
                seconds[name].append(time.perf_counter() - start)
    return seconds
