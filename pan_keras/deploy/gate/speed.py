"""How long a call of each exported model takes, on this machine."""

import platform
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pan_keras.deploy.gate.candidate import Candidate

WARM_UP = 2
CALLS = 15


def measure_speed(candidates: Sequence[Candidate], clip: np.ndarray) -> None:
    """Fills in the median time of a call; the models take turns, so that all meet the same load.

    Args:
        candidates: The models.
        clip: A real clip uint8 `(N, m, H, W, 3)`.
    """
    times: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
    inputs = {candidate.name: candidate.inputs(clip) for candidate in candidates}
    for turn in range(WARM_UP + CALLS):
        for candidate in candidates:
            # The threads of the one before may still be awake.
            candidate.engine(inputs[candidate.name])
            start = time.perf_counter()
            candidate.engine(inputs[candidate.name])
            if turn >= WARM_UP:
                times[candidate.name].append(time.perf_counter() - start)
    for candidate in candidates:
        candidate.milliseconds = float(1000 * np.median(times[candidate.name]))


def machine() -> str:
    """The processor of this machine, as far as it tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or 'unknown'} ({platform.machine()})"
