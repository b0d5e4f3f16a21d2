"""Lets the process keep memory that it frees, which reading clips takes again at once."""

import numpy as np

# Below 32 MB, above which the GNU C library changes nothing.
LARGEST = 31 << 20


def keep_freed_memory() -> None:
    """Makes the C library keep up to 62 MB of freed memory per thread.

    Reading a clip takes and frees some tens of MB. Memory that was returned to the system costs a
    page fault for every 4 KB when it is taken again, which can take longer than decoding. The GNU C
    library raises its limits when a block of up to 32 MB is freed: to the size of the block for
    memory that is mapped alone, and to twice that for memory that is kept. Other libraries are not
    affected, nor is a process with limits of its own, such as `MALLOC_TRIM_THRESHOLD_`.

    Example:
        >>> keep_freed_memory()
    """
    np.empty(LARGEST, np.uint8)  # never touched, so it takes no memory
