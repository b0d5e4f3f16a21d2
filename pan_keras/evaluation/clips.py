"""Selects the clips to evaluate on: the run's split, without its training clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pan_keras.data import SPLITS, Clip, VideoData, open_data
from pan_keras.data.official_folds import fold_for
from pan_keras.data.opening import list_data
from pan_keras.data.roots import data_root
from pan_keras.data.shards.manifest import describe_pixels
from pan_keras.errors import UserError
from pan_keras.evaluation.origin import Origin
from pan_keras.evaluation.results import ClipResult
from pan_keras.runs.data_changes import named
from pan_keras.runs.data_identity import DataIdentity, RunClip, identity_of
from pan_keras.runs.run_data import RunData, are_data_of, open_run_data

# Identifies a clip: its path (below the data root, if known) and its size in bytes.
ClipKey = tuple[str, int | None]


@dataclass(frozen=True)
class MeasuredClips:
    """The clips of an evaluation, selected by `measured_clips`.

    Attributes:
        clips: The clips; their labels are positions in `labels`.
        labels: Class names in the order of the logits.
        source: Description of the data.
        skipped: Files left out, and why.
        notes: Sentences to report with the result.
        digest: Digest of the (first) run's record of its clips, if it was used.
    """

    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    source: str
    skipped: dict[Path, str]
    notes: tuple[str, ...]
    digest: str | None


def measured_clips(
    origins: Sequence[Origin],
    data: str | Path | None = None,
    root: str | Path | None = None,
    split: str = "test",
    include_new: bool = False,
) -> MeasuredClips:
    """Selects the clips to evaluate runs on.

    On the data of the first run, its record assigns clips to splits. Clips that any of the runs was
    trained on are not test clips.

    Args:
        origins: Origins of the classifiers, which have the same classes.
        data: Card, folder or CSV; by default the data of the first run.
        root: Folder of the videos.
        split: `train`, `val`, `test` or `all`.
        include_new: Whether to include clips added since the first run began: in the split that
            the data assign, or else as test clips.

    Raises:
        UserError: If there is no such split, it has no clips, the data have other classes, or a run
            was trained on clips of `val` or `test`.
    """
    if split not in (*SPLITS, "all"):
        raise UserError(f"split: {split!r} is not one of {', '.join(SPLITS)}, all")
    first = origins[0]
    found = _open(first, data, root)
    videos = found.videos
    labels = _labels(first, videos.classes)
    clips = [clip for name in SPLITS if split in (name, "all") for clip in videos.clips(name)]
    named_clips = [(clip.path, videos.classes[clip.label], clip.split) for clip in clips]
    notes = list(found.notes)
    if not first.named:
        notes.append(f"{first.path}: its classes are assumed to be in the order of the data")
    if include_new:
        new = [
            (path, clip.label, clip.split or "test")
            for path, clip in found.added.items()
            if split in (clip.split or "test", "all")
        ]
        named_clips += new
        if new:
            notes.append(f"added since {first.path} began: {named(path for path, _, _ in new)}")
    elif first.run is not None:
        news = found.news(first.run)
        notes += [f"{each}; --include-new evaluates them too" for each in news]
    if not named_clips:
        counts = ", ".join(f"{name} {len(videos.clips(name))}" for name in SPLITS)
        raise UserError(f"the data have no clips of {split}; choose another --split ({counts})")
    unknown = sorted({label for _, label, _ in named_clips} - set(labels))
    if unknown:
        raise UserError(
            f"{first.path}: trained without the classes {', '.join(unknown)}; "
            f"evaluate it on data of its classes, {', '.join(labels)}"
        )
    chosen = tuple(Clip(path, labels.index(label), part) for path, label, part in named_clips)
    paths = [clip.path for clip in chosen]
    notes += _pixel_notes(origins, videos)
    notes += seen_before(first, found.identity or first.clips, paths, found.root, split)
    for other in origins[1:]:
        notes += seen_before(other, other.clips, paths, found.root, split)
    return MeasuredClips(
        clips=chosen,
        labels=labels,
        source=videos.source,
        skipped={file.path: file.reason for file in videos.skipped},
        notes=tuple(dict.fromkeys(notes)),
        digest=found.identity.digest if found.identity else None,
    )


def _labels(origin: Origin, classes: Sequence[str]) -> tuple[str, ...]:
    """Class names of the logits; those of the data if the model has none."""
    if origin.named:
        return origin.labels
    if len(classes) != len(origin.labels):
        raise UserError(
            f"{origin.path}: gives {len(origin.labels)} logits, but the data have {len(classes)} "
            "classes; evaluate it on the data that it was trained on, or name its labels"
        )
    return tuple(classes)


def _pixel_notes(origins: Sequence[Origin], videos: VideoData) -> list[str]:
    """Names classifiers that were trained on frames of other shards, or of the videos."""
    here = None if videos.shards is None else describe_pixels(videos.shards)
    notes = []
    for origin in origins:
        if origin.clips is None:
            continue
        trained = None if origin.clips.shards is None else describe_pixels(origin.clips.shards)
        if trained != here:
            told = [f"shards ({each})" if each else "videos" for each in (trained, here)]
            notes.append(
                f"{origin.path} was trained on frames of {told[0]}, and is measured on frames of "
                f"{told[1]}: their pixels differ slightly"
            )
    return notes


def _open(origin: Origin, data: str | Path | None, root: str | Path | None) -> RunData:
    if origin.owns(data):
        if origin.run is not None:
            return open_run_data(origin.run, root=root)
        if not origin.data.source:
            raise UserError(f"{origin.path}: does not record its data; name a card, folder or CSV")
        return _as_given(origin, origin.data.source, root or origin.data.root or None)
    assert data is not None
    if origin.clips is not None and origin.run is not None:
        _, listed = list_data(data, root, fold_for(data, origin.data.fold))
        if are_data_of(origin.clips, listed, data_root(data, root)):
            return open_run_data(origin.run, source=data, root=root)
    return _as_given(origin, data, root)


def _as_given(origin: Origin, data: str | Path, root: str | Path | None) -> RunData:
    seed, most = origin.data.split_seed, origin.data.max_broken
    fold = fold_for(data, origin.data.fold)
    videos = open_data(data, root, split_seed=seed, fold=fold, max_broken=most)
    where = data_root(data, root)
    if origin.digest is not None:
        identity = identity_of(videos, where)
        if identity.digest == origin.digest:
            # The clips and splits that the run recorded, wherever the data are now.
            return RunData(videos, identity, where)
    return RunData(videos, None, where)


def seen_before(
    origin: Origin,
    identity: DataIdentity | None,
    paths: Sequence[Path],
    root: Path | None,
    split: str,
) -> list[str]:
    """Checks which of the clips a classifier has seen in training.

    Args:
        origin: Origin of the classifier.
        identity: Its run's record of its clips, if known.
        paths: The clips to measure on.
        root: Root folder of their data.
        split: Name of their split.

    Returns:
        Sentences to report with the result.

    Raises:
        UserError: If the run was trained on clips of `test` or `val`.
    """
    if identity is None:
        if origin.is_run and not origin.data.source:
            return []  # a converted model, trained elsewhere
        return [
            f"{origin.path}: there is no record of its training clips, so they could not be "
            "excluded"
        ]
    known = {path: identity.find(path, root) for path in paths}
    trained = [path for path, found in known.items() if found and found.split == "train"]
    validated = [path for path, found in known.items() if found and found.split == "val"]
    if trained and split in ("test", "val"):
        raise UserError(
            f"{origin.path}: was trained on {named(trained)} of the {len(paths)} {split} clips, "
            "so its accuracy on them means nothing; evaluate it on clips of its own split, fuse it "
            "with runs of the same split, or evaluate on all clips with --split all"
        )
    notes = []
    if trained:
        notes.append(f"{origin.path} was trained on {len(trained)} of these {len(paths)} clips")
    if validated and split in ("test", "all"):
        notes.append(
            f"{origin.path} was chosen on {len(validated)} of these {len(paths)} clips: "
            "they were its validation clips"
        )
    return notes


def results_by_clip(
    origins: Sequence[Origin], results: Sequence[Sequence[ClipResult]]
) -> list[dict[ClipKey, ClipResult]]:
    """Keys the results of several runs by clip, so that they can be matched.

    The key is the clip's entry in the record of its run, as the data of the runs may lie in
    different folders or may have been moved. Without such a record it is the path of the file.

    Args:
        origins: Origins of the results.
        results: Results of each origin.
    """
    identities = [origin.clips for origin in origins]
    known = [identity for identity in identities if identity is not None]
    if len(known) < len(identities):
        return [{(clip.path, None): clip for clip in each} for each in results]
    # Runs of earlier versions did not record file sizes.
    sized = all(clip.bytes is not None for identity in known for clip in identity.clips)
    return [
        {_key(identity, clip.path, sized): clip for clip in each}
        for identity, each in zip(known, results, strict=True)
    ]


def _key(identity: DataIdentity, path: str, sized: bool) -> ClipKey:
    record = _recorded(identity, path)
    if record is None:
        return path, None
    return record.path, record.bytes if sized else None


def _recorded(identity: DataIdentity, path: str) -> RunClip | None:
    """The recorded clip whose relative path is the end of a file's path."""
    if path in identity.by_path:
        return identity.by_path[path]
    parts = Path(path).parts
    ends = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((identity.by_path[end] for end in ends if end in identity.by_path), None)
