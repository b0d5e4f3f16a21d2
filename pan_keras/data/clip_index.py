"""Caches clip metadata on disk, so that each file is read only once."""

import hashlib
import math
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pan_keras.data.index_file import IndexFile, transaction
from pan_keras.errors import UserError
from pan_keras.files import cache_folder, is_writable, replacing
from pan_keras.printable import is_printable, is_text
from pan_keras.video.container import BrokenVideo, refuse_shape
from pan_keras.video.folder_tree import CLIP_INDEX
from pan_keras.video.frame_index import FrameIndex
from pan_keras.video.orientation import QUARTER
from pan_keras.video.video_info import FileState, VideoInfo

BETWEEN_WRITES = 2.0  # seconds of work lost at most if the process is killed
MOST_FRAMES = 2**31
LONGEST = 200  # characters of a remark
_COLUMNS = "size, changed, frames, rate, width, height, rotation, mirrored, remark"
_PUT = (
    f"INSERT INTO clips (path, {_COLUMNS}) VALUES (?{', ?' * (_COLUMNS.count(',') + 1)})"
    " ON CONFLICT (path) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", "))
    + " RETURNING id"
)


class KnownClip(NamedTuple):
    """The index's entry for a clip.

    Args:
        info: Frame count, frame rate and size.
        remark: Remark for the user, empty if there is none.
    """

    info: VideoInfo
    remark: str = ""


class Digests(NamedTuple):
    """Digests of a clip's files, which tell copies.

    Args:
        ends: Of the first and last 64 KiB; None if unknown.
        whole: Of all bytes; None if unknown.
    """

    ends: bytes | None = None
    whole: bytes | None = None


class ClipIndex:
    """Frame count, frame rate, size, frame index and digests of clips, by path, size and mtime.

    The index is stored in the data folder as `.clip_index.sqlite`, or, if the folder is read-only
    or clips lie outside it, in the user's cache (`$XDG_CACHE_HOME/pan-keras`, by default
    `~/.cache/pan-keras`). Several processes can use it; rows are written in transactions, a few
    seconds after the files were read. A row is valid only while its file has the recorded size and
    modification time. An index that is damaged, foreign, or written by another version of this
    package or of libav is rebuilt. Broken files are not recorded.

    The index is only a cache: any failure becomes a sentence in `words`, and the files are read
    again.

    Args:
        file: The index.
        root: Folder that its paths are relative to.

    Example:
        >>> index = ClipIndex(Path("videos/.clip_index.sqlite"), Path("videos"))
        >>> index.known({path: frame_source(path).state() for path in paths})[paths[0]].info.frames
        81
    """

    def __init__(self, file: Path, root: Path):
        self._file = IndexFile(file)
        self._prefix = os.path.join(os.path.abspath(root), "")  # noqa: PTH100, PTH118 (does not resolve links)
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Any, ...]] = {}
        self._written = time.monotonic()

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self._file.path

    @property
    def words(self) -> list[str]:
        """Warnings about the index, as sentences without a full stop."""
        return self._file.words

    def known(self, states: Mapping[Path, FileState]) -> dict[Path, KnownClip]:
        """Returns the entries of clips that have not changed since they were read.

        Args:
            states: Current state of each requested clip.
        """
        wanted = {self._key(path): (path, state) for path, state in states.items()}

        def read(connection: sqlite3.Connection) -> dict[Path, KnownClip]:
            found = {}
            for name, *row in connection.execute(f"SELECT path, {_COLUMNS} FROM clips"):
                path, state = wanted.get(name, (None, None))
                if path is not None and state == tuple(row[:2]):
                    clip = _checked(path, row[2:])
                    if clip is not None:
                        found[path] = clip
            return found

        return self._file.attempt(read, {})

    def add(
        self, path: Path, state: FileState, clip: KnownClip, frames: FrameIndex | None = None
    ) -> None:
        """Adds a clip; it is written within two seconds, or by `flush`.

        Args:
            path: The clip.
            state: Its state before it was read.
            clip: Its metadata.
            frames: Its frame index, if it is a video file.
        """
        key, info = self._key(path), clip.info
        if key is None:
            return
        size = (info.frames, info.rate, info.width, info.height, info.rotation, int(info.mirrored))
        content = None if frames is None else frames.to_bytes()
        with self._lock:
            self._waiting[key] = (*state, *size, clip.remark, content)
        if time.monotonic() - self._written > BETWEEN_WRITES:
            self.flush()

    def flush(self) -> None:
        """Writes added clips; those that cannot be written now are kept for the next call."""
        with self._lock:
            if self._waiting:
                written = self._file.attempt(self._write, False)
                if written:
                    self._waiting.clear()
            self._written = time.monotonic()

    def find(self, path: Path, size: int, changed: int) -> FrameIndex | None:
        """Returns the frame index of a video file, if the file has not changed.

        Args:
            path: The file.
            size: Its size in bytes.
            changed: Its modification time in nanoseconds.
        """
        name = self._key(path)
        if name is None or not self.file.is_file():
            return None
        query = (
            "SELECT content FROM clips JOIN frame_indexes USING (id)"
            " WHERE path = ? AND size = ? AND changed = ?"
        )
        row = self._file.attempt(lambda c: c.execute(query, (name, size, changed)).fetchone(), None)
        if row is None or not isinstance(row[0], bytes):
            return None
        try:
            return FrameIndex.from_bytes(row[0], most=size)
        except ValueError:
            return None

    def digests(self, paths: Iterable[Path]) -> dict[Path, Digests]:
        """Returns the digests of clips that are unchanged, as `known` has told.

        Args:
            paths: The clips.
        """
        wanted = {self._key(path): path for path in paths}

        def read(connection: sqlite3.Connection) -> dict[Path, Digests]:
            rows = connection.execute("SELECT path, ends, whole FROM digests JOIN clips USING (id)")
            return {
                wanted[name]: Digests(*found)
                for name, *found in rows
                if name in wanted and {type(each) for each in found} <= {bytes, type(None)}
            }

        return self._file.attempt(read, {})

    def add_digests(self, digests: Mapping[Path, Digests]) -> None:
        """Writes digests of clips that are in the index.

        Args:
            digests: The digests by clip.
        """
        rows = [(*found, self._key(path)) for path, found in digests.items()]

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.executemany(
                    "INSERT OR REPLACE INTO digests SELECT id, ?, ? FROM clips WHERE path = ?", rows
                )

        self.flush()
        self._file.attempt(write, None)

    def holds(self, path: Path) -> bool:
        """Returns whether a clip lies under the root of this index."""
        return self._key(path) is not None

    def _write(self, connection: sqlite3.Connection) -> bool:
        with transaction(connection):
            for name, row in self._waiting.items():
                (number,) = connection.execute(_PUT, (name, *row[:-1])).fetchone()
                connection.execute(
                    "INSERT OR REPLACE INTO frame_indexes VALUES (?, ?)", (number, row[-1])
                )
                connection.execute("DELETE FROM digests WHERE id = ?", (number,))
        return True

    def _key(self, path: Path) -> str | None:
        """Returns the key of a path; None if it lies outside the root or cannot be encoded."""
        text = str(path)
        if ".." in text or not path.is_absolute():
            text = os.path.abspath(path)  # noqa: PTH100 (does not resolve links)
        if not text.startswith(self._prefix) or not is_text(text):
            return None
        return text[len(self._prefix) :].replace(os.sep, "/")


def open_clip_index(root: Path, paths: Iterable[Path]) -> ClipIndex:
    """Opens the index of a data set: beside the data, or in the user's cache.

    Args:
        root: Folder of the data, where the split is written too.
        paths: The clips.
    """
    beside = ClipIndex(root / CLIP_INDEX, root)
    inside = all(beside.holds(path) for path in paths)
    if inside and is_writable(beside.file):
        return beside
    try:
        cache = cache_folder()
    except RuntimeError:  # the user has no home folder
        return beside
    here = Path(os.path.abspath(root))  # noqa: PTH100 (does not resolve links)
    kind = "clips" if inside else "scattered-clips"
    name = f"{kind}-{hashlib.sha256(os.fsencode(here)).hexdigest()[:16]}.sqlite"
    cached = ClipIndex(cache / name, here if inside else Path(here.anchor))
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
    if inside and beside.file.is_file() and not cached.file.exists():
        # Reuses an index beside the data that only another user may write to.
        with suppress(OSError, UserError), replacing(cached.file) as temporary:
            shutil.copyfile(beside.file, temporary)
    return cached


def _checked(path: Path, row: Sequence[Any]) -> KnownClip | None:
    """Decodes a row; returns None if its values are impossible."""
    frames, rate, width, height, rotation, mirrored, remark = row
    if {type(frames), type(width), type(height), type(rotation), type(mirrored)} != {int}:
        return None
    if not isinstance(rate, float) or not (
        0 < frames < MOST_FRAMES and width > 0 and height > 0 and 0 <= rate < math.inf
    ):
        return None
    if rotation % QUARTER or mirrored not in (0, 1):
        return None
    if not isinstance(remark, str) or len(remark) > LONGEST or not is_printable(remark):
        return None
    try:
        refuse_shape(path, width, height)
    except BrokenVideo:
        return None
    return KnownClip(VideoInfo(frames, rate, width, height, rotation, bool(mirrored)), remark)
