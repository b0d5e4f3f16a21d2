"""Changes of a run's data since its start."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pan_keras.data.opening import ListedClip
from pan_keras.runs.data_identity import DataIdentity, relative
from pan_keras.video import clip_bytes

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
    """

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    resized: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.added, self.gone, self.resized, self.relabelled, self.moved))

    def phrases(self) -> list[str]:
        """A phrase per kind of change, with a count and the first names."""
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
