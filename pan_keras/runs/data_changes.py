"""Changes of a run's data since its start."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pan_keras.data.opening import ListedClip
from pan_keras.data.roots import relative
from pan_keras.data.shards.manifest import read_manifest
from pan_keras.runs.data_identity import DataIdentity
from pan_keras.video import clip_bytes
from pan_keras.video.shard_file import is_shard_folder

NAMED = 3


@dataclass(frozen=True)
class DataChanges:
    """Differences between the clips a run began with and the current ones.

    Attributes:
        added: New clips, by path below the root.
        gone: Clips that no longer exist.
        resized: Clips whose files have another size.
        relabelled: Clips that the source now assigns to another class.
        moved: Clips that the source now assigns to another split.
        shards: How the shards that hold the clips differ, as a phrase; empty if they do not.
    """

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    resized: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    shards: str = ""

    def __bool__(self) -> bool:
        clips = (self.added, self.gone, self.resized, self.relabelled, self.moved)
        return any((*clips, self.shards))

    def phrases(self) -> list[str]:
        """A phrase per kind of change, with a count and the first names.

        Other shards are one change, although the size of most clips is another in them.
        """
        if self.shards:
            return [self.shards]
        kinds = (
            (self.added, "added"),
            (self.gone, "gone"),
            (self.resized, "of another size"),
            (self.relabelled, "of another class"),
            (self.moved, "of another split"),
        )
        return [f"{named(paths)} {what}" for paths, what in kinds if paths]


def data_changes(identity: DataIdentity, listed: Mapping[Path, ListedClip] | None) -> DataChanges:
    """Compares the clips of a run with the current files below its root.

    Args:
        identity: The clips of the run, at their current root.
        listed: The current files of the source; None if unknown, so that only missing and resized
            clips are found.
    """
    found = _clip_changes(identity, listed)
    return replace(found, shards=_shard_changes(identity))


def _shard_changes(identity: DataIdentity) -> str:
    if identity.shards is None or not is_shard_folder(identity.root):
        return ""
    now, before = read_manifest(identity.root).facts, identity.shards
    changed = [key for key in before if key != "digest" and now.get(key) != before[key]]
    told = ", ".join(f"{key} {now.get(key)} instead of {before[key]}" for key in changed)
    if told:
        return f"shards with {told}"
    return "" if now["digest"] == before.get("digest") else "shards with another digest"


def _clip_changes(identity: DataIdentity, listed: Mapping[Path, ListedClip] | None) -> DataChanges:
    sizes = {clip.path: clip_bytes(identity.file(clip)) for clip in identity.clips}
    gone = tuple(path for path, size in sizes.items() if size is None)
    resized = tuple(
        clip.path
        for clip in identity.clips
        if clip.bytes is not None and sizes[clip.path] not in (None, clip.bytes)
    )
    if listed is None:
        return DataChanges(gone=gone, resized=resized)
    now = {relative(path, identity.root): clip for path, clip in listed.items()}
    # A file that exists but is no longer listed by the source counts as removed.
    missing = set(gone) | (sizes.keys() - now.keys())
    known = [(clip, now[clip.path]) for clip in identity.clips if clip.path in now]
    return DataChanges(
        added=tuple(path for path in now if path not in identity.by_path),
        gone=tuple(path for path in sizes if path in missing),
        resized=tuple(path for path in resized if path in now),
        relabelled=tuple(clip.path for clip, here in known if clip.label != here.label),
        moved=tuple(clip.path for clip, here in known if here.split not in (None, clip.split)),
    )


def named(names: Iterable[str | os.PathLike[str]]) -> str:
    """Formats a count of clips with the first names: `5 clips (a.mp4, b.mp4, c.mp4, ...)`."""
    found: Sequence[str] = [os.fspath(name) for name in names]
    more = ", ..." if len(found) > NAMED else ""
    clips = "clip" if len(found) == 1 else "clips"
    return f"{len(found)} {clips} ({', '.join(found[:NAMED])}{more})"
