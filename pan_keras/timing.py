"""Interleaved timing of functions, and the machine they were timed on."""

import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path

WARM_UP = 2


def time_in_turns(
    functions: Mapping[str, Callable[[], object]], rounds: int, settling: float | None = None
) -> dict[str, list[float]]:
    """Measures the wall time of functions in turn, so that slow moments of the machine affect all.

    Args:
        functions: Functions by name.
        rounds: Measured calls of each, after two warm-up calls.
        settling: Seconds of calls before each measured one, at least one call; None for none.
            Threads of the previous runtime may still be spinning and slow the next one.

    Returns:
        Seconds of each measured call, by name.

    Example:
        >>> seconds = time_in_turns({"sum": lambda: sum([1])}, rounds=3)
        >>> len(seconds["sum"])
        3
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for index in range(WARM_UP + rounds):
        for name, function in functions.items():
            if settling is not None:
                settled = time.perf_counter() + settling
                function()
                while time.perf_counter() < settled:
                    function()
            start = time.perf_counter()
            function()
            if index >= WARM_UP:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def machine() -> str:
    """Name and architecture of this machine's processor, as far as known."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or 'unknown'} ({platform.machine()})"
