"""Shards on disk: an ArrayRecord file with one record per clip, and the list of its clips."""

import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pan_keras.errors import UserError
from pan_keras.remote.addresses import address_of
from pan_keras.remote.cache import fetch, state_of
from pan_keras.remote.store import MissingObject
from pan_keras.video.container import BrokenVideo

SUFFIX = ".arrayrecord"
MANIFEST = "shards.json"
VERSION = 1
# Each open shard takes a file descriptor, of which a process has 1024 by default.
MOST_OPEN = 128
# No read-ahead, which only helps reading in order.
OPTIONS = "readahead_buffer_size:0,max_parallelism:0"
REMEDY = "copy the shard again from an intact copy, or make the shards again"


@dataclass(frozen=True)
class ShardedClip:
    """A clip of a shard.

    Args:
        path: Path below the root of the data that the shards were made of, with slashes.
        label: Its class.
        split: `train`, `val` or `test`.
        frames: Number of frames.
        rate: Frames per second of the source.
        width: Width of the stored frames in pixels.
        height: Height of the stored frames in pixels.
        bytes: Size of the record.
        source_bytes: Size of the clip that the record was made of.
        columns: Additional columns of a CSV file.
    """

    path: str
    label: str
    split: str
    frames: int
    rate: float
    width: int
    height: int
    bytes: int
    source_bytes: int
    columns: Mapping[str, str]


@dataclass(frozen=True)
class ShardFile:
    """The clips of a shard, in the order of its records.

    Args:
        path: The ArrayRecord file; the list of its clips is beside it, as `NAME.json`.
        changed: Modification time of the file in nanoseconds.
        size: Size of the file in bytes, as recorded.
        digest: SHA-256 of the file, as recorded.
        clips: The clips.
        left_out: Clips of the plan that could not be read, as path and reason.
    """

    path: Path
    changed: int
    size: int
    digest: str
    clips: tuple[ShardedClip, ...]
    left_out: tuple[tuple[str, str], ...]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Number of the record of each clip, by its path."""
        return {clip.path: number for number, clip in enumerate(self.clips)}

    def clip_path(self, clip: ShardedClip) -> Path:
        """The path that identifies a clip: a name below the file."""
        return self.path / clip.path

    def record(self, number: int) -> bytes:
        """Reads a record, which ArrayRecord compares with its checksum.

        Args:
            number: Its number.

        Raises:
            BrokenVideo: If the shard is damaged.
            ModuleNotFoundError: If array-record is not installed.
        """
        clip = self.clips[number]
        try:
            (content,) = _reader(self.path, self.changed).read([number])
        except (RuntimeError, IndexError, ValueError) as error:
            raise BrokenVideo(
                self.clip_path(clip), f"its record in {self.path.name} is damaged"
            ) from error
        if len(content) != clip.bytes:
            raise BrokenVideo(
                self.clip_path(clip), f"its record in {self.path.name} has another length"
            )
        return content


def is_shard_folder(path: Path) -> bool:
    """Whether a path is a folder of shards."""
    return (path / MANIFEST).is_file()


def shard_of(path: Path) -> tuple[Path, str] | None:
    """Splits the path of a clip in a shard into file and name; None for other paths.

    Args:
        path: Such as `shards/00000.arrayrecord/wave/a.mp4`.
    """
    if SUFFIX not in str(path):
        return None
    for parent in reversed(path.parents):
        if parent.name.endswith(SUFFIX) and (parent.is_file() or address_of(parent)):
            return parent, path.relative_to(parent).as_posix()
    return None


def source_size(path: Path) -> tuple[str, int] | None:
    """Name and size of the clip that a clip in a shard was made of; None for other clips."""
    place = shard_of(path)
    try:
        shard = None if place is None else open_shard(place[0])
    except UserError:
        return None
    number = None if shard is None or place is None else shard.numbers.get(place[1])
    if shard is None or number is None:
        return None
    return shard.clips[number].path, shard.clips[number].source_bytes


def shard_files(folder: Path) -> list[Path]:
    """Lists the ArrayRecord files of a folder in order; hidden ones are unfinished."""
    return sorted(file for file in folder.glob(f"*{SUFFIX}") if not file.name.startswith("."))


def shard_clips(folder: Path) -> list[Path]:
    """Lists the clips of a folder of shards.

    Args:
        folder: The folder.

    Raises:
        UserError: If a list of clips is damaged.
    """
    shards = map(open_shard, shard_files(folder))
    return [shard.clip_path(clip) for shard in shards for clip in shard.clips]


def open_shard(path: Path) -> ShardFile:
    """Reads the list of a shard's clips; cached until the files change.

    Args:
        path: The ArrayRecord file.

    Raises:
        BrokenVideo: If the file is missing.
        UserError: If its list is missing or damaged.
    """
    file = path.with_suffix(".json")
    try:
        if address_of(path) is not None:
            fetch(file)
            changed = state_of(path).changed
        else:
            changed = path.stat().st_mtime_ns
        listed = file.stat()
    except (OSError, MissingObject) as error:
        raise BrokenVideo(path, "there is no such shard, or no list of its clips") from error
    return _listed(path, changed, listed.st_mtime_ns, listed.st_size)


@lru_cache(maxsize=8192)
def _listed(path: Path, changed: int, _changed: int, _size: int) -> ShardFile:
    file = path.with_suffix(".json")
    try:
        content = json.loads(file.read_bytes())
        if content["version"] != VERSION:
            raise ValueError("it is of another version")
        clips = tuple(_clip(row) for row in content["clips"])
        left_out = tuple((str(row["path"]), str(row["reason"])) for row in content["left_out"])
        size, digest = content["bytes"], content["sha256"]
        if not (type(size) is int and isinstance(digest, str)):
            raise ValueError("its numbers are wrong")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{file}: damaged ({str(error)[:100]}); {REMEDY}") from error
    return ShardFile(path, changed, size, digest, clips, left_out)


_TYPES = {each.name: each.type for each in fields(ShardedClip)}


def _clip(row: Mapping[str, Any]) -> ShardedClip:
    clip = ShardedClip(**{"columns": {}, **row})
    for name, kind in _TYPES.items():
        value = getattr(clip, name)
        if kind is str:
            right = isinstance(value, str)
        elif kind is int:
            right = type(value) is int and value > 0
        elif kind is float:
            right = isinstance(value, float) and 0 <= value < math.inf
        else:
            right = isinstance(value, dict)
        if not right:
            raise ValueError(f"{name} is {value!r:.50}")
    if clip.path.startswith("/") or ".." in clip.path.split("/"):
        raise ValueError(f"{clip.path!r:.50} is outside")
    return clip


_open: OrderedDict[tuple[int, Path, int], Any] = OrderedDict()
_turn = threading.Lock()


def _reader(path: Path, changed: int) -> Any:
    """Returns the open reader of a shard; readers may be used by several threads at once."""
    from array_record.python.array_record_module import (  # noqa: PLC0415
        ArrayRecordReader,
    )

    key = (os.getpid(), path, changed)
    with _turn:
        if key in _open:
            _open.move_to_end(key)
            return _open[key]
    if address_of(path) is not None:
        fetch(path)
    reader = ArrayRecordReader(str(path), OPTIONS)
    with _turn:
        _open[key] = reader
        while len(_open) > MOST_OPEN:
            _open.popitem(last=False)
    return reader
