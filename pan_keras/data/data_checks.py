"""Detects problems in a data set: duplicate clips, classes without clips, similar names."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from pan_keras.data.clip import SPLITS, Clip
from pan_keras.data.clip_index import ClipIndex, Digests
from pan_keras.remote.addresses import address_of
from pan_keras.video import BrokenVideo, clip_bytes, iterate_frames
from pan_keras.video.folder_tree import path_order
from pan_keras.video.frame_folder import is_frame

SAMPLE = 1 << 16  # bytes at either end, which distinguish most files of equal size
CHUNK = 1 << 20
WARNING_BYTES = 1 << 30  # limit of bytes read to find duplicates when opening a data set
NAMED = 20
LENGTH = 16  # bytes of a digest


def data_warnings(
    classes: Sequence[str],
    clips: Sequence[Clip],
    sizes: Mapping[Path, int] | None = None,
    index: ClipIndex | None = None,
) -> Iterator[str]:
    """Finds names that differ only in case, classes without clips, and duplicates across splits.

    Args:
        classes: Names of the classes.
        clips: The clips, all readable.
        sizes: Bytes of each clip; by default the files are asked.
        index: Keeps the digests of the clips that were compared.

    Yields:
        Sentences without a full stop.

    Example:
        >>> list(data_warnings(("left", "Left"), ()))[0]
        'the classes left, Left differ only in case'
    """
    counts = Counter(name.lower() for name in classes)
    alike = [name for name in classes if counts[name.lower()] > 1]
    if alike:
        yield f"the classes {some(alike)} differ only in case"
    for split in SPLITS:
        present = {clip.label for clip in clips if clip.split == split}
        missing = [name for number, name in enumerate(classes) if number not in present]
        if missing and (present or split == "train"):
            yield f"{some(missing)} {'has' if len(missing) == 1 else 'have'} no {split} clip"
    known = {clip.path: clip for clip in clips}
    copies = [
        [known[path] for path in group]
        for group in identical_files(known, most=WARNING_BYTES, sizes=sizes, index=index)
    ]
    across = [group for group in copies if len({_place(clip) for clip in group}) > 1]
    if across:
        one = across[0][0]
        other = next(clip for clip in across[0] if _place(clip) != _place(one))
        told = " and ".join(f"{c.path} ({c.split}, {classes[c.label]})" for c in (one, other))
        count = "a video is" if len(across) == 1 else f"{len(across)} videos are"
        yield (
            f"{count} in several splits or classes, such as {told}; list them with "
            "dataset check --duplicates and keep one of each"
        )


def some(names: Sequence[str]) -> str:
    """Joins the first names and counts the rest."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _place(clip: Clip) -> tuple[int, str]:
    return clip.label, clip.split


def identical_files(
    paths: Iterable[Path],
    most: int | None = None,
    sizes: Mapping[Path, int] | None = None,
    index: ClipIndex | None = None,
) -> list[tuple[Path, ...]]:
    """Finds groups of clips with identical content, sorted by path.

    Clips of equal size are compared by their first and last 64 KiB, and, if these match, in full.

    Args:
        paths: The clips; unreadable ones are skipped.
        most: Total number of bytes to read before the search ends; by default unlimited.
        sizes: Bytes of each clip; by default the files are asked.
        index: Keeps digests, so that only new and changed clips are read again. A search that ended
            at `most` bytes is continued by the next.

    Example:
        >>> identical_files([Path("a.mp4"), Path("copy of a.mp4"), Path("b.mp4")])
        [(PosixPath('a.mp4'), PosixPath('copy of a.mp4'))]
    """
    size_of = clip_bytes if sizes is None else sizes.get
    groups = _grouped([tuple(sorted(paths, key=path_order))], size_of)
    if not groups:
        return []
    read = _Reader(most, {} if index is None else index.digests(chain(*groups)))
    groups = _grouped(groups, read.ends)
    groups = _grouped(groups, read.whole)
    if index is not None and read.found:
        index.add_digests(read.found)
    return sorted(groups)


class _Reader:
    """Computes digests of files within a budget of bytes to read."""

    def __init__(self, most: int | None, known: dict[Path, Digests]):
        self.left = most
        self.known = known
        self.found: dict[Path, Digests] = {}

    def ends(self, path: Path) -> bytes | None:
        digest = self.known.get(path, Digests()).ends or self._ends(path)
        return self._kept(path, ends=digest)

    def whole(self, path: Path) -> bytes | None:
        digest = self.known.get(path, Digests()).whole or self._whole(path)
        return self._kept(path, whole=digest)

    def _kept(self, path: Path, **digest: bytes | None) -> bytes | None:
        before = self.known.get(path, Digests())
        now = before._replace(**digest)
        if now != before:
            self.known[path] = self.found[path] = now
        return next(iter(digest.values()))

    def _ends(self, path: Path) -> bytes | None:
        files = [] if self.left == 0 else _files(path)
        if not files:
            return self._whole(path)
        if not self._may_read(min(clip_bytes(path) or 0, 2 * SAMPLE)):
            return None
        with files[0].open("rb") as file:
            digest = hashlib.blake2b(file.read(SAMPLE), digest_size=LENGTH)
        with files[-1].open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - SAMPLE, 0))
            digest.update(file.read(SAMPLE))
        return digest.digest()

    def _whole(self, path: Path) -> bytes | None:
        if not self._may_read(clip_bytes(path) or 0):
            return None
        digest = hashlib.blake2b(digest_size=LENGTH)
        files = _files(path)
        if not files:
            return _of_frames(path)
        for each in files:
            with each.open("rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
        return digest.digest()

    def _may_read(self, count: int) -> bool:
        if self.left is None:
            return True
        if count > self.left:
            self.left = 0
            return False
        self.left -= count
        return True


def _of_frames(path: Path) -> bytes | None:
    """The digest of a clip that is no file, such as a record of a shard, by its frames."""
    digest = hashlib.blake2b(digest_size=LENGTH)
    try:
        for frame in iterate_frames(path, transform=lambda frame: frame):
            digest.update(frame.tobytes())
    except BrokenVideo:
        return None
    return digest.digest()


def _files(path: Path) -> list[Path]:
    """Returns a clip's files in order; an empty list if they are elsewhere or do not exist."""
    if path.is_dir() and address_of(path) is None:
        return sorted(each for each in path.iterdir() if is_frame(each.name))
    return [path] if path.is_file() else []


def _grouped(groups, key) -> list[tuple[Path, ...]]:
    """Splits groups by a key and keeps those with at least two files."""
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
