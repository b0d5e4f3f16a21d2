"""Which clips an evaluation measures on: those of the run's own split, and none it learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pan_keras.data import SPLITS, Clip, open_data
from pan_keras.data.opening import list_data
from pan_keras.errors import UserError
from pan_keras.inference.bundled_run import BundledRun
from pan_keras.runs.data_changes import named
from pan_keras.runs.data_identity import DataIdentity, data_root, identity_of
from pan_keras.runs.run import Run
from pan_keras.runs.run_data import RunData, are_data_of, open_run_data

Tested = Run | BundledRun


@dataclass(frozen=True)
class MeasuredClips:
    """The clips of an evaluation; `measured_clips` finds them.

    Attributes:
        clips: The clips, labelled by the order of the classes of the runs.
        source: The data, for people.
        skipped: Files that were left out, and why.
        notes: Sentences that belong to the result.
        digest: Digest of the (first) run's record of its clips, where it was followed.
    """

    clips: tuple[Clip, ...]
    source: str
    skipped: dict[Path, str]
    notes: tuple[str, ...]
    digest: str | None


def measured_clips(
    runs: Sequence[Tested],
    data: str | Path | None = None,
    root: str | Path | None = None,
    split: str = "test",
    include_new: bool = False,
) -> MeasuredClips:
    """Finds the clips to measure runs on.

    On the data of the first run its own record says which clip belongs to which split. A clip that
    any of the runs was trained on is no test clip.

    Args:
        runs: Runs and bundles with the same classes.
        data: Card, folder or CSV; by default the data of the first run.
        root: Folder of the videos.
        split: `train`, `val`, `test` or `all`.
        include_new: Whether clips that came since the first run began are measured on too: in the
            split that the data put them into, else as test clips.

    Raises:
        UserError: If there is no such split or clip, the data have other classes, or a run was
            trained on clips of `val` or `test`.
    """
    if split not in (*SPLITS, "all"):
        raise UserError(f"split {split}: there is none; give one of {', '.join(SPLITS)}, all")
    first = runs[0]
    found = _open(first, data, root)
    videos, labels = found.videos, first.labels
    clips = [clip for name in SPLITS if split in (name, "all") for clip in videos.clips(name)]
    named_clips = [(clip.path, videos.classes[clip.label], clip.split) for clip in clips]
    notes = list(found.notes)
    if include_new:
        new = [
            (path, clip.label, clip.split or "test")
            for path, clip in found.added.items()
            if split in (clip.split or "test", "all")
        ]
        named_clips += new
        if new:
            notes.append(f"{named(path for path, _, _ in new)} came since {first.path} began")
    elif isinstance(owner := _owner(first), Run):
        notes += [f"{news}; --include-new measures on them too" for news in found.news(owner)]
    if not named_clips:
        counts = ", ".join(f"{name} {len(videos.clips(name))}" for name in SPLITS)
        raise UserError(f"the data have no clips of {split}; choose another --split ({counts})")
    unknown = sorted({label for _, label, _ in named_clips} - set(labels))
    if unknown:
        raise UserError(
            f"{first.path}: trained without the classes {', '.join(unknown)}; "
            f"it knows {', '.join(labels)}"
        )
    chosen = tuple(Clip(path, labels.index(label), part) for path, label, part in named_clips)
    identities = [found.identity or known_clips(first), *map(known_clips, runs[1:])]
    for run, identity in zip(runs, identities, strict=True):
        notes += seen_before(run, identity, [clip.path for clip in chosen], found.root, split)
    return MeasuredClips(
        clips=chosen,
        source=videos.source,
        skipped={file.path: file.reason for file in videos.skipped},
        notes=tuple(dict.fromkeys(notes)),
        digest=found.identity.digest if found.identity else None,
    )


def known_clips(run: Tested) -> DataIdentity | None:
    """The clips that a run, or the run that a bundle came from, began with; None if not known."""
    owner = _owner(run)
    if owner is None or owner.identity is None:
        return None
    identity, beside = owner.identity, owner.root_beside
    return identity.at(beside) if beside and not identity.root.is_dir() else identity


def is_own(run: Tested, data: str | Path | None) -> bool:
    """Whether data are those that a run names."""
    source = run.config.data.source
    return data is None or source in (str(data), str(Path(data).resolve()))


def _owner(run: Tested) -> Run | None:
    """The run itself, or that which a bundle was exported from."""
    return run.run if isinstance(run, BundledRun) else run


def _open(run: Tested, data: str | Path | None, root: str | Path | None) -> RunData:
    owner = _owner(run)
    if is_own(run, data):
        if owner is not None:
            return open_run_data(owner, root=root)
        if not run.config.data.source:
            raise UserError(
                f"{run.path}: says nothing of its data; name them: a card, folder or CSV"
            )
        return _as_given(run, run.config.data.source, root or run.config.data.root or None)
    assert data is not None
    if owner is not None and owner.identity is not None:
        _, listed = list_data(data, root)
        if are_data_of(owner.identity, listed, data_root(data, root)):
            return open_run_data(owner, source=data, root=root)
    return _as_given(run, data, root)


def _as_given(run: Tested, data: str | Path, root: str | Path | None) -> RunData:
    seed, most = run.config.data.split_seed, run.config.data.max_broken
    videos = open_data(data, root, split_seed=seed, max_broken=most)
    where = data_root(data, root)
    if isinstance(run, BundledRun) and run.data_digest is not None:
        identity = identity_of(videos, where)
        if identity.digest == run.data_digest:
            # The very clips and splits of the run, wherever that is.
            return RunData(videos, identity, where)
    return RunData(videos, None, where)


def seen_before(
    run: Tested,
    identity: DataIdentity | None,
    paths: Sequence[Path],
    root: Path | None,
    split: str,
) -> list[str]:
    """Says which clips a run has seen in training.

    Args:
        run: The run.
        identity: What it recorded of its clips, if that is known.
        paths: The clips that are measured on.
        root: The root of their data.
        split: What they are called.

    Returns:
        Sentences that belong to the result.

    Raises:
        UserError: If the run was trained on clips of `test` or `val`.
    """
    if identity is None:
        if isinstance(run, Run) and not run.config.data.source:
            return []  # converted: trained elsewhere
        return [
            f"{run.path}: there is no record of the clips that it was trained on, so none of them "
            "could be kept out"
        ]
    known = {path: identity.find(path, root) for path in paths}
    trained = [path for path, found in known.items() if found and found.split == "train"]
    validated = [path for path, found in known.items() if found and found.split == "val"]
    if trained and split in ("test", "val"):
        raise UserError(
            f"{run.path}: was trained on {named(trained)} of the {len(paths)} {split} clips, which "
            "therefore tell nothing; measure it on clips of its own split, fuse it with runs of "
            "the same split, or measure on all clips knowingly with --split all"
        )
    notes = []
    if trained:
        notes.append(f"{run.path} was trained on {len(trained)} of these {len(paths)} clips")
    if validated and split in ("test", "all"):
        notes.append(
            f"{run.path} was chosen by {len(validated)} of these {len(paths)} clips: "
            "they were its validation clips"
        )
    return notes
