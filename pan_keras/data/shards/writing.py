"""Writes one shard: the task that a plan consists of."""

import errno
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pan_keras.data.shards.encoding import ShardEncoding
from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.video import BrokenVideo, frame_source
from pan_keras.video.shard_file import SUFFIX, VERSION, ShardedClip, ShardFile, open_shard

# One clip per chunk, so that reading a clip reads nothing else; frames are compressed already.
OPTIONS = "group_size:1,uncompressed"
CHUNK = 1 << 20


@dataclass(frozen=True)
class PlannedClip:
    """A clip of the data set, as the plan has it.

    Args:
        source: The clip.
        path: Its path below the root of the data set, with slashes.
        label: Its class.
        split: `train`, `val` or `test`.
        rate: Its frames per second.
        bytes: Its size.
        columns: Additional columns of a CSV file.
    """

    source: Path
    path: str
    label: str
    split: str
    rate: float
    bytes: int
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedShard:
    """The clips of one shard.

    Args:
        number: Its number, from 0.
        clips: The clips in the order of the records.
    """

    number: int
    clips: tuple[PlannedClip, ...]

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.number:05d}{SUFFIX}"


class ShardingStopped(Exception):  # noqa: N818, not an error
    """Raised within a shard that is not finished because sharding was stopped."""


def finished_shard(shard: PlannedShard, folder: Path) -> ShardFile | None:
    """Returns a shard that an earlier call has finished, or None.

    The list of its clips is written last, so a shard with a list is complete.

    Args:
        shard: The shard.
        folder: Folder of the shards.
    """
    try:
        found = open_shard(folder / shard.name)
        return found if found.path.stat().st_size == found.size else None
    except (UserError, OSError):
        return None


def write_shard(
    shard: PlannedShard,
    folder: Path,
    encoding: ShardEncoding,
    *,
    on_clip: Callable[[], None] = lambda: None,
    stopped: Callable[[], bool] = lambda: False,
) -> ShardFile:
    """Writes a shard under another name and renames it, then the list of its clips.

    The file depends on the clips and the encoding alone, so that a shard may be written anywhere
    and more than once.

    Args:
        shard: The shard.
        folder: Folder of the shards.
        encoding: How frames are stored.
        on_clip: Called after each clip.
        stopped: Whether to stop, asked before each clip.

    Raises:
        ShardingStopped: If it was stopped; the shard is not written.
        UserError: If the disk is full.
    """
    file = folder / shard.name
    clips: list[ShardedClip] = []
    left_out: list[dict[str, str]] = []
    with replacing(file) as temporary:
        with _Writer(temporary) as writer:
            for planned in shard.clips:
                if stopped():
                    raise ShardingStopped
                try:
                    record, frames, size = encoding.record(frame_source(planned.source))
                except BrokenVideo as error:
                    left_out.append({"path": planned.path, "reason": error.reason})
                else:
                    writer.write(record)
                    clips.append(_listed(planned, frames, size, len(record)))
                on_clip()
        digest, length = _digest(temporary)
    content = {
        "version": VERSION,
        "bytes": length,
        "sha256": digest,
        "clips": [asdict(clip) for clip in clips],
        "left_out": left_out,
    }
    with replacing(file.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(content, indent=0) + "\n", encoding="utf-8")
    return open_shard(file)


def _listed(clip: PlannedClip, frames: int, size: tuple[int, int], length: int) -> ShardedClip:
    return ShardedClip(
        path=clip.path,
        label=clip.label,
        split=clip.split,
        frames=frames,
        rate=float(clip.rate),
        width=size[0],
        height=size[1],
        bytes=length,
        source_bytes=clip.bytes,
        columns=dict(clip.columns),
    )


class _Writer:
    """An ArrayRecord file being written; a full disk is the `OSError` it is elsewhere."""

    def __init__(self, file: Path):
        from array_record.python.array_record_module import (  # noqa: PLC0415
            ArrayRecordWriter,
        )

        self.file = file
        self._writer = self._told(lambda: ArrayRecordWriter(str(file), OPTIONS))

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._told(self._writer.close)

    def write(self, record: bytes) -> None:
        """Appends a record."""
        self._told(lambda: self._writer.write(record))

    def _told(self, action: Callable):
        try:
            return action()
        except RuntimeError as error:
            for number in (errno.ENOSPC, errno.EDQUOT):
                if os.strerror(number) in str(error):
                    raise OSError(number, os.strerror(number), str(self.file)) from error
            raise UserError(
                f"{self.file.parent}: a shard cannot be written ({str(error)[:200]}); "
                "check the disk and run the command again"
            ) from error


def _digest(file: Path) -> tuple[str, int]:
    digest, length = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return digest.hexdigest(), length
