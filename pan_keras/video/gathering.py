"""Puts decoded frames into one array in the order asked for."""

from collections.abc import Iterable, Sequence

import numpy as np


def gathered(indices: Sequence[int], frames: Iterable[tuple[int, np.ndarray]]) -> np.ndarray:
    """Copies each frame to its places as it comes, so that no more than one is held twice.

    Large blocks of memory that are freed and taken again cost a page fault for every 4 KB, which
    is more time than decoding a JPEG image takes.

    Args:
        indices: Numbers of the frames, in any order, repeats allowed.
        frames: Each of these numbers once, with its frame.

    Returns:
        The frames, in the order of `indices`.

    Example:
        >>> frames = ((number, np.full((48, 64, 3), number, np.uint8)) for number in (3, 7))
        >>> gathered([7, 3, 3], frames).shape
        (3, 48, 64, 3)
    """
    places: dict[int, list[int]] = {}
    for place, index in enumerate(indices):
        places.setdefault(int(index), []).append(place)
    found: np.ndarray | None = None
    for index, frame in frames:
        if found is None:
            found = np.empty((len(indices), *frame.shape), frame.dtype)
        found[places[index]] = frame
    assert found is not None
    return found
