"""How much memory this process may count on."""

import os
from pathlib import Path

CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
UNKNOWN = 4 * 2**30


def memory_of_machine() -> int:
    """Bytes of memory of the machine, or of the container if that is less.

    Where neither can be found out, 4 GiB.
    """
    limits = [_physical(), *(_limit(file) for file in CONTAINER_LIMITS)]
    return min((limit for limit in limits if limit), default=UNKNOWN)


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _limit(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
