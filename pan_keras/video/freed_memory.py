"""Lets the process keep memory that it frees, which reading clips takes again at once."""

import numpy as np

# Just below the largest block, 32 MB, from which the GNU C library learns.
LARGEST = 31 << 20


def keep_freed_memory() -> None:
    """Makes the C library keep up to twice 31 MB of freed memory instead of returning it.

    Reading a clip takes and frees some tens of MB. What was returned to the system costs a page
    fault for every 4 KB when it is taken again, which can be more time than decoding takes. The GNU
    C library raises its limits to the largest block that was freed; other libraries are not
    affected, nor is a process with limits of its own in `MALLOC_TRIM_THRESHOLD_`.

    Example:
        >>> keep_freed_memory()
    """
    np.empty(LARGEST, np.uint8)  # never touched, so it takes no memory
