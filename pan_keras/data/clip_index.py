"""What is known of the clips of a data set, kept on disk so that each file is read once."""

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
from pan_keras.files import is_writable, replacing
from pan_keras.printable import is_printable, is_text
from pan_keras.video.container import BrokenVideo, refuse_shape
from pan_keras.video.folder_tree import CLIP_INDEX
from pan_keras.video.frame_index import FrameIndex
from pan_keras.video.orientation import QUARTER
from pan_keras.video.video_info import FileState, VideoInfo

BETWEEN_WRITES = 2.0  # seconds of reading that a kill may cost
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
    """What the index says of a clip.

    Args:
        info: Count, rate and size.
        remark: What a user should know of it; empty if nothing.
    """

    info: VideoInfo
    remark: str = ""


class ClipIndex:
    """Count, rate, size and frame index of each clip, by its path, size and time of change.

    It lies in the folder of the data as `.clip_index.sqlite`; where that cannot be written to, or
    clips lie outside of it, in the user's cache (`$XDG_CACHE_HOME/pan-keras`, by default
    `~/.cache/pan-keras`). Rows are written a few seconds after the files were read, whole or not
    at all, by any number of processes. A row counts only while its file has the size and time of
    change that it was read with, and only for paths that are asked for. An index that is damaged,
    foreign or of another version of this package or of libav is made anew. Broken files are not
    remembered.

    It speeds things up and is needed for nothing: what goes wrong with it becomes a sentence in
    `words`, and files are read again.

    Args:
        file: The index.
        root: Folder that its paths start from.

    Example:
        >>> index = ClipIndex(Path("videos/.clip_index.sqlite"), Path("videos"))
        >>> index.known({path: frame_source(path).state() for path in paths})[paths[0]].info.frames
        81
    """

    def __init__(self, file: Path, root: Path):
        self._file = IndexFile(file)
        self._prefix = os.path.join(os.path.abspath(root), "")  # noqa: PTH100, PTH118 (no links)
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Any, ...]] = {}
        self._written = time.monotonic()

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return self._file.path

    @property
    def words(self) -> list[str]:
        """What a user should know of the index, as sentences without a full stop."""
        return self._file.words

    def known(self, states: Mapping[Path, FileState]) -> dict[Path, KnownClip]:
        """The clips that have not changed since they were read.

        Args:
            states: The clips that are wanted, as they are now.
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
        """Remembers a clip; it is on disk two seconds later, or after `flush`.

        Args:
            path: The clip.
            state: Its state before it was read.
            clip: What was found.
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
        """Writes what was added; what cannot be written now stays for the next time."""
        with self._lock:
            if self._waiting:
                written = self._file.attempt(self._write, False)
                if written:
                    self._waiting.clear()
            self._written = time.monotonic()

    def find(self, path: Path, size: int, changed: int) -> FrameIndex | None:
        """The frame index of a video file, if the file is as it was.

        Args:
            path: The file.
            size: Its bytes.
            changed: Its time of change in nanoseconds.
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

    def holds(self, path: Path) -> bool:
        """Whether a clip lies where this index has rows for it."""
        return self._key(path) is not None

    def _write(self, connection: sqlite3.Connection) -> bool:
        with transaction(connection):
            for name, row in self._waiting.items():
                (number,) = connection.execute(_PUT, (name, *row[:-1])).fetchone()
                connection.execute(
                    "INSERT OR REPLACE INTO frame_indexes VALUES (?, ?)", (number, row[-1])
                )
        return True

    def _key(self, path: Path) -> str | None:
        """How a path is called here; None if it lies elsewhere or cannot be written down."""
        text = str(path)
        if ".." in text or not path.is_absolute():
            text = os.path.abspath(path)  # noqa: PTH100 (links stay what they are called)
        if not text.startswith(self._prefix) or not is_text(text):
            return None
        return text[len(self._prefix) :].replace(os.sep, "/")


def open_clip_index(root: Path, paths: Iterable[Path]) -> ClipIndex:
    """The index of a data set: beside the data, or else in the user's cache.

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
    except RuntimeError:  # nobody's home
        return beside
    here = Path(os.path.abspath(root))  # noqa: PTH100 (links stay what they are called)
    kind = "clips" if inside else "scattered-clips"
    name = f"{kind}-{hashlib.sha256(os.fsencode(here)).hexdigest()[:16]}.sqlite"
    cached = ClipIndex(cache / name, here if inside else Path(here.anchor))
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
    if inside and beside.file.is_file() and not cached.file.exists():
        # What somebody else has read and may be written to by them alone.
        with suppress(OSError, UserError), replacing(cached.file) as temporary:
            shutil.copyfile(beside.file, temporary)
    return cached


def cache_folder() -> Path:
    """The user's cache of this package."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pan-keras"


def _checked(path: Path, row: Sequence[Any]) -> KnownClip | None:
    """What a row says, None if no file can be like that."""
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
