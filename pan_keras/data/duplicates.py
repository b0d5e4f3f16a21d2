"""Files that stand twice in a data set: under two names, or as a copy."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path

SAMPLE = 1 << 16  # bytes at either end that tell most files of one size apart
CHUNK = 1 << 20
WARNING_BYTES = 1 << 30  # read at most to look for copies while data are opened


def identical_files(paths: Iterable[Path], most: int | None = None) -> list[tuple[Path, ...]]:
    """Groups of files that hold the same bytes, by path.

    Files of one size are compared by their first and last 64 KiB, and those that agree by all.

    Args:
        paths: The files; those that cannot be read are passed over.
        most: Bytes to read in all, after which the search ends; no limit unless given.

    Example:
        >>> identical_files([Path("a.mp4"), Path("copy of a.mp4"), Path("b.mp4")])
        [(PosixPath('a.mp4'), PosixPath('copy of a.mp4'))]
    """
    read = _Reader(most)
    groups = _grouped([tuple(sorted(paths))], lambda path: path.stat().st_size)
    groups = _grouped(groups, read.ends)
    return sorted(_grouped(groups, read.whole))


class _Reader:
    """Digests of files, as long as there are bytes left to read."""

    def __init__(self, most: int | None):
        self.left = most

    def ends(self, path: Path) -> bytes | None:
        if not self._may_read(0):
            return None
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not self._may_read(min(size, 2 * SAMPLE)):
                return None
            digest = hashlib.blake2b(file.read(SAMPLE))
            file.seek(max(size - SAMPLE, 0))
            digest.update(file.read(SAMPLE))
            return digest.digest()

    def whole(self, path: Path) -> bytes | None:
        with path.open("rb") as file:
            if not self._may_read(os.fstat(file.fileno()).st_size):
                return None
            digest = hashlib.blake2b()
            while chunk := file.read(CHUNK):
                digest.update(chunk)
            return digest.digest()

    def _may_read(self, count: int) -> bool:
        if self.left is None:
            return True
        self.left -= count
        return self.left >= 0


def _grouped(groups, key) -> list[tuple[Path, ...]]:
    """Splits groups by a key, and keeps those of two files and more."""
    found = []
    for group in groups:
        alike: Mapping[Hashable, list[Path]] = defaultdict(list)
        for path in group:
            try:
                value = key(path)
            except OSError:
                continue
            if value is not None:
                alike[value].append(path)
        found += [tuple(paths) for paths in alike.values() if len(paths) > 1]
    return found
