"""Data identity: the clips of a run at its start."""

import csv
import filecmp
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pan_keras.data import SPLITS, VideoData
from pan_keras.data.roots import relative
from pan_keras.errors import UserError
from pan_keras.video import clip_bytes
from pan_keras.video.shard_file import shard_of, source_size


@dataclass(frozen=True)
class RunClip:
    """One file of the data of a run.

    Attributes:
        path: Path relative to the root of the data, with slashes; absolute if outside the root.
        label: Its class.
        split: `train`, `val` or `test`.
        bytes: Size of the file; None in runs of earlier versions, which did not record it.
        left_out: Why it was left out at the start; empty for a clip that was used.
    """

    path: str
    label: str
    split: str
    bytes: int | None = None
    left_out: str = ""


COLUMNS = tuple(field.name for field in fields(RunClip))
EARLIER_COLUMNS = ("path", "label", "split", "seed")


@dataclass(frozen=True)
class DataIdentity:
    """All clips of a run with class, split and size, in the order of training.

    Args:
        clips: The clips, including those left out.
        root: Folder that paths are relative to.
        shards: Preprocessing and digest of the shards that hold the clips; None for other data.

    Example:
        >>> identity = identity_of(open_data("videos"), Path("videos"))
        >>> identity.clips[0]
        RunClip(path='clap/a.mp4', label='clap', split='train', bytes=13824, left_out='')
    """

    clips: tuple[RunClip, ...]
    root: Path
    shards: Mapping[str, Any] | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 over path, class, split, size and use of all clips, independent of their order.

        The root is not included, so that moved data keep their digest.
        """
        rows = sorted(
            (clip.path, clip.label, clip.split, clip.bytes, bool(clip.left_out))
            for clip in self.clips
        )
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    @cached_property
    def by_path(self) -> dict[str, RunClip]:
        """The clips by path."""
        return {clip.path: clip for clip in self.clips}

    def at(self, root: Path) -> "DataIdentity":
        """Returns the same clips below another root."""
        return replace(self, root=root)

    def file(self, clip: RunClip) -> Path:
        """The path of a clip's file."""
        return self.root / clip.path

    def find(self, path: Path, root: Path | None = None) -> RunClip | None:
        """Returns the clip that a file is, or None.

        A file is a clip of the run if it is the same file (under any name), has the same path below
        its root and the same size, or has the same content. A clip in a shard is the clip that it
        was made of, and one in another shard made of the same.

        Args:
            path: A video file.
            root: Root of its data.
        """
        size = clip_bytes(path)
        if size is None:
            return None
        found = self.by_path.get(relative(path, root)) if root is not None else None
        if found is not None and found.bytes in (None, size):
            file = self.file(found)
            # For moved data, path and size suffice; if the original exists, it must agree.
            if not file.exists() or file.samefile(path) or _same_bytes(path, file):
                return found
        found = self._files.get(_number(path))
        if found is not None:
            return found
        alike = self._by_size.get(size, ())
        found = next((clip for clip in alike if _same_bytes(path, self.file(clip))), None)
        return found or self._find_stored(path, root, size)

    def differing(self, other: "DataIdentity") -> list[str]:
        """Paths of the clips that differ between two runs."""
        differing = self.by_path.keys() ^ other.by_path.keys()
        for path in self.by_path.keys() & other.by_path.keys():
            one, two = self.by_path[path], other.by_path[path]
            sizes = {one.bytes, two.bytes} - {None}
            if (one.label, one.split) != (two.label, two.split) or len(sizes) > 1:
                differing.add(path)
        return sorted(differing)

    def to_csv(self) -> str:
        """The content of `split.csv`, which `identity_from_csv` reads."""
        table = io.StringIO()
        # A carriage return in a name is only preserved within quotes.
        quoted = any("\r" in clip.path + clip.label + clip.left_out for clip in self.clips)
        writer = csv.writer(
            table, lineterminator="\n", quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
        )
        writer.writerow(COLUMNS)
        writer.writerows(astuple(clip) for clip in self.clips)
        return table.getvalue()

    def _find_stored(self, path: Path, root: Path | None, size: int) -> RunClip | None:
        """The clip of the same name and size before one or both were stored in shards."""
        name, size = source_size(path) or (relative(path, root) if root else path.name, size)
        clip = self.by_path.get(name)
        if clip is not None and shard_of(path):
            return clip if clip.bytes in (None, size) else None
        clip = self._stored.get(name)
        return clip if clip and source_size(self.file(clip)) == (name, size) else None

    @cached_property
    def _stored(self) -> dict[str, RunClip]:
        """The clips in shards by their names below the shard."""
        places = ((shard_of(self.file(clip)), clip) for clip in self.clips)
        return {place[1]: clip for place, clip in places if place is not None}

    @cached_property
    def _files(self) -> dict[tuple[int, int] | None, RunClip]:
        found = {_number(self.file(clip)): clip for clip in self.clips}
        found.pop(None, None)
        return found

    @cached_property
    def _by_size(self) -> dict[int, list[RunClip]]:
        found = defaultdict(list)
        for clip in self.clips:
            if clip.bytes is not None:
                found[clip.bytes].append(clip)
        return found


def identity_of(data: VideoData, root: Path) -> DataIdentity:
    """Returns the identity of data in their current state.

    Args:
        data: The opened data.
        root: Folder that paths are relative to, from `data_root`.

    Raises:
        UserError: If a file has disappeared since the data were opened.
    """
    used = {clip.path: RunClip("", data.classes[clip.label], clip.split) for clip in data.all_clips}
    skipped = {
        file.path: RunClip("", file.label, file.split, left_out=file.reason)
        for file in data.skipped
    }
    clips = []
    for path, clip in sorted((used | skipped).items()):
        size = clip_bytes(path)
        if size is None and not clip.left_out:
            raise UserError(
                f"{path}: disappeared while the run was starting; start it again, and leave the "
                "data unchanged meanwhile"
            )
        clips.append(replace(clip, path=relative(path, root), bytes=size or 0))
    return DataIdentity(tuple(clips), root, data.shards)


def identity_from_csv(text: str, root: Path) -> DataIdentity:
    """Reads the output of `DataIdentity.to_csv`, also of earlier versions.

    Raises:
        ValueError: If it is another table or damaged.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = tuple(next(reader, ()))
    if header not in (COLUMNS, EARLIER_COLUMNS):
        raise ValueError(f"its columns are {', '.join(header) or 'missing'}")
    clips = []
    for row in reader:
        if len(row) != len(header) or row[2] not in SPLITS:
            raise ValueError(f"line {reader.line_num} is damaged")
        path, label, split = row[:3]
        if header == COLUMNS:
            clips.append(RunClip(path, label, split, int(row[3]) if row[3] else None, row[4]))
        else:
            clips.append(RunClip(path, label, split))
    return DataIdentity(tuple(clips), root)


def _number(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file, the same for all its names."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _same_bytes(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
