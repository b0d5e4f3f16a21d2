"""Describes the machine that a benchmark ran on, and the load of other programs."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pan_keras import timing
from pan_keras.runs.versions import package_versions

PACKAGES = (
    "pan-keras",
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "ai-edge-litert",
    "onnxruntime",
    "opencv-contrib-python-headless",
    "opencv-python-headless",
    "av",
    "numpy",
)
# The flags that affect the speed of arithmetic.
VECTOR_FLAGS = ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512", "avx_vnni", "amx", "asimd", "sve")
BUSY = 0.1  # share of all processors taken by others from which a measurement is marked as busy


def describe_machine() -> dict[str, Any]:
    """Returns this machine's name, processors, memory, versions, commit and current load.

    Example:
        >>> sorted(describe_machine())[:3]
        ['commit', 'cores', 'cpu_flags']
    """
    return {
        "name": timing.machine(),
        "cores": len(processors()),
        "cpu_flags": _flags(),
        "governor": _governor(),
        "memory_mb": _memory_mb(),
        "gpu": _gpu(),
        "platform": platform.platform(),
        "python": sys.version.split()[0],
        "versions": {
            name: version
            for name, version in package_versions(PACKAGES).items()
            if version != "absent"
        },
        "commit": _commit(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": load(),
    }


def processors() -> list[int]:
    """Returns the numbers of the processors that this process may use."""
    try:
        return sorted(os.sched_getaffinity(0))
    except AttributeError:  # CPU affinity is missing on some systems, such as macOS
        return list(range(os.cpu_count() or 1))


def load() -> float | None:
    """Returns the load average of the last minute."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


class OtherLoad:
    """Measures the share of all processors that other programs take.

    Call it after this process has waited for all processes that it started.

    Example:
        >>> others = OtherLoad()
        >>> 0 <= others() <= 1
        True
    """

    def __init__(self) -> None:
        self._start = _processor_seconds()

    def __call__(self) -> float | None:
        """Returns the share from the start until now; None if the system does not report it."""
        now = _processor_seconds()
        if now is None or self._start is None:
            return None
        busy, own, whole = (late - early for late, early in zip(now, self._start, strict=True))
        return round(min(1.0, max(0.0, busy - own) / max(whole, 1e-9)), 3)


def memory_peak_mb() -> float:
    """Returns the peak memory of this process in megabytes."""
    try:
        # getrusage is not used: its maximum includes that of the parent at process start.
        return round(_number("/proc/self/status", "VmHWM:") / 1024, 1)
    except OSError:
        import resource  # noqa: PLC0415 (absent from some systems, as is /proc)

        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)


def memory_available_mb() -> float | None:
    """Returns the memory available to new programs in megabytes; None if it is unknown."""
    try:
        return _number("/proc/meminfo", "MemAvailable:") / 1024
    except OSError:
        return None


def _processor_seconds() -> tuple[float, float, float] | None:
    """Returns processor seconds so far: busy, those of this process and its children, and all."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    ticks = [int(each) for each in first.split()[1:9]]
    second = os.sysconf("SC_CLK_TCK")
    idle = ticks[3] + ticks[4]
    own = os.times()
    return (sum(ticks) - idle) / second, sum(own[:4]), sum(ticks) / second


def _flags() -> list[str]:
    for line in _lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return sorted(flag for flag in value.split() if flag.startswith(VECTOR_FLAGS))
    return []


def _governor() -> str | None:
    file = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _memory_mb() -> int | None:
    try:
        return round(_number("/proc/meminfo", "MemTotal:") / 1024)
    except OSError:
        return None


def _gpu() -> str | None:
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return _answer_of(query, Path.cwd())


def _commit() -> str | None:
    """Returns the commit of a checkout; None for an installed package."""
    folder = Path(__file__).parents[2]
    if not (folder / ".git").exists():
        return None
    commit = _answer_of(["git", "rev-parse", "--short=12", "HEAD"], folder)
    changed = _answer_of(["git", "status", "--porcelain", "--untracked-files=no"], folder)
    return f"{commit}+changes" if commit and changed else commit


def _answer_of(command: list[str], folder: Path) -> str | None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _number(file: str, name: str) -> int:
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise OSError(f"{file} does not state {name}")


def _lines(file: str) -> Iterable[str]:
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
