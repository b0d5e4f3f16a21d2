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
    """Differences between the clips that a run began with and those that are there now.

    Attributes:
        added: Clips that the run does not know, by their paths below the root.
        gone: Clips that are no longer there.
        resized: Clips whose files have another size.
        relabelled: Clips that the source puts into another class.
        moved: Clips that the source puts into another split.
    """

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    resized: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.added, self.gone, self.resized, self.relabelled, self.moved))

    def phrases(self) -> list[str]:
        """Each kind of change with a count and the first names."""
        kinds = (
            (self.added, "added"),
            (self.gone, "gone"),
            (self.resized, "of another size"),
            (self.relabelled, "of another class"),
            (self.moved, "of another split"),
        )
        return [f"{named(paths)} {what}" for paths, what in kinds if paths]


def data_changes(identity: DataIdentity, listed: Mapping[Path, ListedClip] | None) -> DataChanges:
    """Compares the clips of a run with what is below its root now.

    Args:
        identity: The clips of the run, at the root where they are now.
        listed: What the source says of its files now; None where that is not known, so that only
            clips that are gone or have another size are found.
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
    # A file that is there but that the source no longer names is no clip of it any more.
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
    """A count of clips and the first of their names: `5 clips (a.mp4, b.mp4, c.mp4, ...)`."""
    found: Sequence[str] = [os.fspath(name) for name in names]
    more = ", ..." if len(found) > NAMED else ""
    clips = "clip" if len(found) == 1 else "clips"
    return f"{len(found)} {clips} ({', '.join(found[:NAMED])}{more})"
