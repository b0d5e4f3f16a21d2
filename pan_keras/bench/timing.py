"""How functions are timed beside each other."""

import time
from collections.abc import Callable

WARM_UP = 2


def time_in_turns(
    functions: dict[str, Callable], rounds: int, settling: float = 0.0
) -> dict[str, list[float]]:
    """Seconds of each function, taking turns so that a slow moment of the machine hits all.

    Args:
        functions: What to time, by name.
        rounds: Measured calls of each.
        settling: Seconds of calls before each measured one, for functions that go on for a while
            after they have returned: threads of a runtime that wait awake would slow the next.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for index in range(WARM_UP + rounds):
        for name, function in functions.items():
            settled = time.perf_counter() + settling
            while time.perf_counter() < settled:
                function()
            start = time.perf_counter()
            function()
            if index >= WARM_UP:
                seconds[name].append(time.perf_counter() - start)
    return seconds
