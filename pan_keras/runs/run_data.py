"""Opens the data of a run with the clips and splits that it recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pan_keras.config.config import Config, DataConfig
from pan_keras.data import Card, Clip, SkippedFile, VideoData
from pan_keras.data.inspection import Progress, inspect_clips, with_rates
from pan_keras.data.official_folds import fold_for
from pan_keras.data.opening import ListedClip, list_data, open_data
from pan_keras.data.remote_source import local_root
from pan_keras.data.roots import data_root, relative
from pan_keras.errors import UserError
from pan_keras.remote.addresses import is_remote
from pan_keras.runs.data_changes import DataChanges, data_changes, named
from pan_keras.runs.data_identity import DataIdentity
from pan_keras.runs.run import Run
from pan_keras.video import VideoInfo, clip_bytes, is_there

NO_DATA = (
    "{}: records no data, since it was converted and not trained; name a folder, CSV file or card"
)


@dataclass(frozen=True)
class RunData:
    """The clips of a run, found by `open_run_data`.

    Attributes:
        videos: The existing clips, each with its recorded class and split.
        identity: The record of the run, at the current root of its clips; None without a record.
        root: The folder that paths are relative to.
        changes: Differences from the start of the run.
        notes: Sentences about the changes, except for added clips.
        added: Clips added since, which belong to no split of the run.

    Example:
        >>> from pan_keras.runs import open_run
        >>> data = open_run_data(open_run("runs/demo"))
        >>> len(data.videos.clips("test")), data.news(open_run("runs/demo"))
        (8, ())
    """

    videos: VideoData
    identity: DataIdentity | None
    root: Path
    changes: DataChanges = field(default_factory=DataChanges)
    notes: tuple[str, ...] = ()
    added: Mapping[Path, ListedClip] = field(default_factory=dict)

    def news(self, run: Run) -> tuple[str, ...]:
        """Describes the clips added since the run began.

        Args:
            run: The run.

        Returns:
            One sentence, or none.
        """
        if not self.changes.added:
            return ()
        clips = named(self.changes.added)
        return (f"added since {run.path} began, so in none of its splits: {clips}",)


def open_run_data(
    run: Run,
    *,
    source: str | Path | None = None,
    root: str | Path | None = None,
    looked_into: bool = False,
) -> RunData:
    """Finds the clips of a run by its record, at the current location of the data.

    For a run of an earlier version without a record, the current split of the data is used, with a
    note.

    Args:
        run: The run.
        source: Current location of the data: folder, CSV or card; by default unchanged.
        root: Current folder of the videos, if they were moved.
        looked_into: Whether to open each file, as `VideoData.infos` requires.

    Returns:
        The clips, and the changes since the run began.

    Raises:
        UserError: If the run records no data, or none of its clips exists.

    Example:
        >>> from pan_keras.runs import open_run
        >>> len(open_run_data(open_run("runs/demo")).videos.clips("test"))
        8
    """
    identity = run.identity
    config = run.config.data
    if not (config.source or source):
        raise UserError(NO_DATA.format(run.path))
    if identity is None:
        return _without_record(run, source, root)
    here = _place(run, identity, source, root)
    card, listed, problem = _listed(config, source, here)
    if not _is_any_there(identity.at(here)):
        raise UserError(
            f"{run.path}: none of its {len(identity.clips)} clips is in {here}; give the folder "
            "where they are now with --root"
        )
    identity = identity.at(here)
    changes = data_changes(identity, listed)
    known = identity.by_path
    return RunData(
        videos=_videos(run, identity, card, looked_into),
        changes=changes,
        notes=_notes(run, identity, changes, problem),
        identity=identity,
        root=here,
        added={
            path: clip for path, clip in (listed or {}).items() if relative(path, here) not in known
        },
    )


def open_configured_data(
    config: Config, root: str | Path | None = None, *, progress: Progress | None = None
) -> VideoData:
    """Opens the data of a configuration, generating `motions` if absent.

    Args:
        config: The configuration.
        root: Folder of the videos; by default that of the configuration.
        progress: As for `open_data`.

    Raises:
        UserError: If the configuration names no data, or they are unusable.
    """
    data = config.data
    if not data.source:
        raise UserError(NO_DATA.format("the configuration"))
    return open_data(
        data.source,
        root or data.root or None,
        split_seed=data.split_seed,
        fold=data.fold,
        max_broken=data.max_broken,
        progress=progress,
    )


def are_data_of(identity: DataIdentity, listed: Mapping[Path, ListedClip], root: Path) -> bool:
    """Whether a data set is that of a run in another location: most clips match.

    Args:
        identity: The clips of the run.
        listed: The clips of the data set.
        root: The root of the data set.
    """
    same = 0
    for path in listed:
        clip = identity.by_path.get(relative(path, root))
        if clip is not None and is_there(path):
            same += clip.bytes in (None, clip_bytes(path))
    return 2 * same >= max(len(identity.clips), len(listed))


def _without_record(run: Run, source: str | Path | None, root: str | Path | None) -> RunData:
    config = run.config.data
    if source is None:
        videos = open_configured_data(run.config, root)
    else:
        seed, most = config.split_seed, config.max_broken
        fold = fold_for(source, config.fold)
        videos = open_data(source, root, split_seed=seed, fold=fold, max_broken=most)
    note = (
        f"{run.path}: it has no record of its clips, as earlier versions wrote none; "
        "the split is that of the data now"
    )
    where = data_root(source or config.source, root or config.root)
    return RunData(videos, None, where, notes=(note,))


def _place(
    run: Run, identity: DataIdentity, source: str | Path | None, root: str | Path | None
) -> Path:
    """The current root of the data."""
    given = local_root(root)
    if given is not None:
        return given
    if source is not None:
        return data_root(source, None)
    beside = run.root_beside
    if beside is not None and not _is_any_there(identity):
        moved = identity.at(beside)
        return beside if _is_any_there(moved) else identity.root
    return identity.root


def _is_any_there(identity: DataIdentity) -> bool:
    return any(is_there(identity.file(clip)) for clip in identity.clips)


def _listed(
    config: DataConfig, given: str | Path | None, root: Path
) -> tuple[Card | None, Mapping[Path, ListedClip] | None, str | None]:
    """Returns the card, the current listing of the source, and why it is unknown if it is."""
    own = config.source
    where: str | Path = given or own
    if given is None and data_root(own) == Path(own).expanduser():
        where = root  # a folder
    elif Path(where).suffix.lower() == ".csv" and not (is_remote(where) or Path(where).is_file()):
        where = root / Path(where).name
    try:
        return *list_data(where, root, fold_for(where, config.fold)), None
    except (UserError, OSError) as error:
        return None, None, str(error)


def _videos(run: Run, identity: DataIdentity, card: Card | None, looked_into: bool) -> VideoData:
    labels = run.labels
    unknown = {clip.label for clip in identity.clips} - set(labels)
    if unknown:
        raise UserError(
            f"{run.path}: split.csv has classes that labels.txt lacks "
            f"({', '.join(sorted(unknown))}); restore both files"
        )
    there = [clip for clip in identity.clips if is_there(identity.file(clip))]
    clips = tuple(
        Clip(identity.file(clip), labels.index(clip.label), clip.split)
        for clip in there
        if not clip.left_out
    )
    infos = _infos([clip.path for clip in clips], identity.root, card) if looked_into else {}
    return VideoData(
        source=str(run.config.data.source),
        card=card,
        classes=labels,
        all_clips=clips,
        skipped=tuple(
            SkippedFile(identity.file(clip), clip.left_out, clip.label, clip.split)
            for clip in there
            if clip.left_out
        ),
        infos=infos,
        ignored={},
        split_origin="as the run recorded it",
        shards=identity.shards,
    )


def _infos(paths: list[Path], root: Path, card: Card | None) -> dict[Path, VideoInfo]:
    found = inspect_clips(paths, root)  # broken ones are reported when training reads them
    return with_rates(found.infos, lambda _: card.frame_rate if card else None)[0]


def _notes(
    run: Run, identity: DataIdentity, changes: DataChanges, problem: str | None
) -> tuple[str, ...]:
    notes = []
    if changes.shards:
        notes.append(f"the clips of {run.path} are in {changes.shards}")
    if problem is not None:
        notes.append(f"clips added since {run.path} began cannot be determined ({problem})")
    present = [path for path in changes.gone if is_there(identity.file(identity.by_path[path]))]
    gone = [path for path in changes.gone if path not in set(present)]
    for paths, what in (
        (gone, "gone"),
        (present, "present but no longer listed by the data; the run's record is used"),
        (changes.resized, "of another size now: the files were changed"),
        (changes.relabelled, "in another class now; the run's record is used"),
        (changes.moved, "in another split now; the run's record is used"),
    ):
        if paths:
            verb = "is" if len(paths) == 1 else "are"
            notes.append(f"{named(paths)} of {run.path} {verb} {what}")
    return tuple(notes)
