"""Opens a data set from a card, folder or CSV file, and checks its clips."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pan_keras.data.card import FASTEST, Card, card_names, is_card, is_own_card, load_card
from pan_keras.data.clip import Clip, ordered
from pan_keras.data.csv_source import list_csv
from pan_keras.data.data_checks import data_warnings, some
from pan_keras.data.folder_source import list_folder
from pan_keras.data.inspection import (
    ASSUMED_RATE,
    Inspection,
    Progress,
    ReadClips,
    inspect_clips,
    with_rates,
)
from pan_keras.data.listing import Listing, refuse_repeats
from pan_keras.data.motions import ensure_motions
from pan_keras.data.official_folds import CLASSES, apply_fold, checked_fold, prepared_classes
from pan_keras.data.remote_source import fetch_lists, list_root, local_root, local_source
from pan_keras.data.shards.opening import open_shards
from pan_keras.data.split import SHARES, VAL_FROM_TRAIN, recorded_split, split_table
from pan_keras.data.video_data import SkippedFile, VideoData
from pan_keras.errors import UserError
from pan_keras.remote.addresses import address_of, displayed
from pan_keras.video.folder_tree import path_order
from pan_keras.video.shard_file import is_shard_folder

NAMED_IN_ERROR = 20


def open_data(
    source: str | Path,
    root: Path | str | None = None,
    *,
    split_seed: int = 0,
    fold: int | None = None,
    max_broken: float = 0.05,
    progress: Progress | None = None,
    read: ReadClips | None = None,
) -> VideoData:
    """Opens a data set and checks every clip by counting its frames and decoding the first.

    A clip is a video file or a folder of frames; a folder of shards (`open_shards`) is opened as it
    is. Results are cached in an index on disk
    (`ClipIndex`), so that the next opening reads only new or changed clips. Broken clips are left
    out and listed. If the source defines no split, 15 % of each class are drawn for test and 15 %
    for val, with `split_seed`, and recorded beside the data as `split.csv` (`NAME.split.csv` for a
    CSV file); if only val is missing, 15 % of train are drawn for val. If the data are read-only,
    `VideoData.split_table` returns the same text. Published data sets, whose cards have a
    benchmark, are opened from the manifest that `prepare_dataset` wrote, with the official split
    alone: nothing is drawn. Classes have the card's order, or without a card
    that of their names. The embedded data set is generated if it is missing.

    Args:
        source: Name of a card (`"egogestar"`), a card's `.toml` file, a folder of class folders,
            a folder of shards, or a CSV file; a path or an address such as `s3://bucket/videos`.
        root: Folder of a card's data (by default `data/NAME` for an embedded set, and the card's
            own folder for a `.toml` file), or the folder that relative paths in a CSV file start
            from.
        split_seed: Random seed for drawing a split.
        fold: Official fold of a card with folds, from 1; by default the first.
        max_broken: Fraction of broken files above which the data set is refused.
        progress: Called with the task, the number done and the total. By default a line is printed
            to standard error every ten seconds.
        read: Reads clips that the index lacks, such as `pan_keras.cluster.InspectionTasks`; by
            default in threads of this process.

    Returns:
        The data set.

    Raises:
        UserError: If there is no such data set or fold, its layout is invalid, or too many files
            are broken.

    Example:
        >>> data = open_data("videos")
        >>> data.report()["splits"]
        {'train': 32, 'val': 8, 'test': 8}
    """
    given, source, root = source, local_source(source), local_root(root)
    folder = _shard_folder(source, root)
    if folder is not None:
        return replace(open_shards(folder, fold), source=str(given))
    card, listing = _list(source, root, progress, fold)
    classes = _classes(card, listing)
    paths = sorted(listing.labels, key=path_order)
    found = inspect_clips(paths, listing.root, progress=progress, read=read)
    skipped = _skipped(listing, found.broken)
    _refuse_if_broken(listing.source, paths, skipped, max_broken)
    infos, assumed = with_rates(found.infos, partial(_rate, card, listing))
    # The split is drawn and recorded last, after all checks that could refuse the data.
    splits, origin, drawn = _splits(card, listing, split_seed, fold)
    numbers = {name: number for number, name in enumerate(classes)}
    clips = tuple(
        Clip(path, numbers[listing.labels[path]], splits[path]) for path in paths if path in infos
    )
    return VideoData(
        source=str(given),
        card=card,
        classes=classes,
        all_clips=clips,
        skipped=tuple(
            replace(file, label=listing.labels[file.path], split=splits[file.path])
            for file in skipped
        ),
        infos=infos,
        ignored=dict(sorted(listing.ignored.items())),
        split_origin=origin,
        drawn=drawn,
        warnings=(
            *listing.warnings,
            *data_warnings(classes, clips, found.sizes, found.index),
            *_remarks(found, assumed),
            *found.words,
        ),
        columns={path: listing.columns[path] for path in infos if path in listing.columns},
    )


@dataclass(frozen=True)
class ListedClip:
    """Class and split of a listed file.

    Args:
        label: Class of the file.
        split: Split of the file; None if it is to be drawn.
    """

    label: str
    split: str | None


def list_data(
    source: str | Path, root: Path | str | None = None, fold: int | None = None
) -> tuple[Card | None, dict[Path, ListedClip]]:
    """Lists the clips of a data set without opening a file or drawing a split.

    Args:
        source: As for `open_data`.
        root: As for `open_data`.
        fold: As for `open_data`.

    Returns:
        The card, if there is one, and the class and split of each file.

    Raises:
        UserError: As for `open_data`, as far as the list is concerned.
    """
    source, root = local_source(source), local_root(root)
    folder = _shard_folder(source, root)
    if folder is not None:
        data = open_shards(folder, fold)
        clips = data.all_clips
        return data.card, {
            clip.path: ListedClip(data.classes[clip.label], clip.split) for clip in clips
        }
    card, listing = _list(source, root, None, fold)
    _classes(card, listing)
    splits: dict[Path, str] = _by_rules(card, listing) if card and card.split else listing.splits
    whole = bool(card and (card.split or card.benchmark)) or "val" in splits.values()
    # A missing validation split is drawn from the training clips.
    to_draw = () if whole or set(splits.values()) == {"test"} else ("train",)
    return card, {
        path: ListedClip(label, None if (split := splits.get(path)) in to_draw else split)
        for path, label in listing.labels.items()
    }


def _list(
    source: str | Path, root: Path | None, progress: Progress | None, fold: int | None
) -> tuple[Card | None, Listing]:
    card, listing = _listing(source, root, progress)
    fold = checked_fold(card, fold)
    if card is not None and card.benchmark is not None:
        apply_fold(card, listing, fold)
    refuse_repeats(listing)
    return card, listing


def _shard_folder(source: str | Path, root: Path | None) -> Path | None:
    """Returns the source if it is a folder of shards, which has no other root."""
    path = Path(source).expanduser()
    if is_card(source) or not is_shard_folder(path):
        return None
    _refuse_other_root(path, root)
    return path


def _refuse_other_root(path: Path, root: Path | None) -> None:
    if root is not None and root.resolve() != path.resolve():
        raise UserError(
            f"{path}: this folder holds its own videos, so the root {root} has no effect; "
            "remove the root, or name a card or a CSV file"
        )


def _listing(
    source: str | Path, root: Path | None, progress: Progress | None
) -> tuple[Card | None, Listing]:
    name, path = str(source), Path(source).expanduser()
    if is_card(source):
        card = load_card(source)
        beside = path.parent if is_own_card(source) else None
        return card, _list_card(card, root or beside, progress)
    if path.is_dir():
        _refuse_other_root(path, root)
        return None, list_folder(path)
    if path.suffix.lower() == ".csv":
        return None, list_csv(path, root)
    near = difflib.get_close_matches(name, card_names(), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known names: {', '.join(card_names())}"
    raise UserError(f"{source}: not a folder, CSV file or data set name; {hint}")


def _list_card(card: Card, root: Path | None, progress: Progress | None) -> Listing:
    if card.generator:
        root = root or Path("data") / card.name
        ensure_motions(root, progress=progress)
    root = _placed(card, root)
    list_root(root)
    if card.manifest is None:
        return list_folder(root)
    listing = list_csv(root / card.manifest)
    if card.benchmark is not None:
        listing.classes = prepared_classes(root, card)
    return listing


def refuse_unprepared(source: str | Path, root: Path | str | None) -> None:
    """Raises UserError if the manifest of a published data set is absent, before slower checks.

    Args:
        source: As for `open_data`.
        root: As for `open_data`.
    """
    card = load_card(source) if is_card(source) else None
    if card is not None and card.benchmark is not None:
        _placed(card, local_root(root))


def _placed(card: Card, root: Path | None) -> Path:
    """Returns the folder of a card's data, with its manifest."""
    if root is None:
        raise UserError(
            f"{card.name}: this card ships no videos; get them from {card.source} and give their "
            "folder with --root"
        )
    fetch_lists(root, [name for name in (card.manifest, CLASSES) if name])
    if card.manifest is not None and not (root / card.manifest).is_file():
        if card.benchmark is not None:
            raise UserError(
                f"{displayed(root)}: the file {card.manifest} of {card.name} is not here; write it "
                f"with: pan-keras dataset prepare {card.name} --source FOLDER -o "
                f"{'FOLDER' if address_of(root) else root}"
            )
        raise UserError(
            f"{displayed(root)}: the file {card.manifest} of {card.name} is not here; get the data "
            f"from {card.source} and give their folder with --root"
        )
    return root


def _classes(card: Card | None, listing: Listing) -> tuple[str, ...]:
    """Returns the class names and removes clips with excluded labels from the listing."""
    for path, label in list(listing.labels.items()):
        if card and label in card.exclude:
            del listing.labels[path]
            listing.ignored[f"clips labelled {label}"] += 1
        elif card and card.classes and label not in card.classes:
            line = f", line {listing.lines[path]}" if path in listing.lines else ""
            near = difflib.get_close_matches(label, card.classes, n=1) or card.classes
            raise UserError(
                f"{listing.source}{line}: unknown label {label!r}; {card.name} has "
                f"{some([*map(repr, near)])}"
            )
    if not listing.labels:
        raise UserError(
            f"{listing.source}: every clip has a label that the card excludes; "
            "correct the labels or the card"
        )
    if card and card.classes:
        return card.classes
    if listing.classes:
        unknown = set(listing.labels.values()) - set(listing.classes)
        if unknown:
            raise UserError(
                f"{listing.source}: the class {min(unknown)!r} is not in the list of classes "
                "beside it; write both with pan-keras dataset prepare"
            )
        return listing.classes
    return ordered(listing.labels.values())


def _splits(
    card: Card | None, listing: Listing, seed: int, fold: int | None
) -> tuple[dict[Path, str], str, str | None]:
    """Returns each file's split, the origin of the split, and its table if it was drawn."""
    if card and card.split:
        return _by_rules(card, listing), f"by the rules of the card {card.name}", None
    if card and card.benchmark:
        number = checked_fold(card, fold)
        which = f"fold {number} of {card.benchmark.folds}, " if number else ""
        return listing.splits, f"{which}as published", None
    labels = listing.labels
    given = {path: listing.splits[path] for path in labels if path in listing.splits}
    present = set(given.values())
    if "val" in present or present == {"test"}:
        return given, "as given by the data", None
    if "test" in present:
        train = {path: label for path, label in labels.items() if given[path] == "train"}
        drawn = recorded_split(train, seed, VAL_FROM_TRAIN, listing.record)
        splits, origin = {**given, **drawn}, f"val drawn from train with seed {seed}"
    else:
        splits = recorded_split(labels, seed, SHARES, listing.record)
        origin = f"drawn with seed {seed}"
    return splits, origin, split_table(labels, splits, seed, listing.record.parent)


def _by_rules(card: Card, listing: Listing) -> dict[Path, str]:
    splits = dict.fromkeys(listing.labels, "train")
    for name, rule in card.split.items():
        for path, split in splits.items():
            columns = listing.columns[path]
            column = rule.column.strip().lower()
            if column not in columns:
                raise UserError(
                    f"{listing.source}: the column {rule.column!r}, which the card {card.name} "
                    "splits by, is missing; add it"
                )
            if split == "train" and columns[column] in rule.values:
                splits[path] = name
    return splits


def _skipped(listing: Listing, broken: Mapping[Path, str]) -> list[SkippedFile]:
    lines = listing.lines
    return [
        SkippedFile(path, reason + (f" (line {lines[path]})" if path in lines else ""))
        for path, reason in sorted(broken.items())
    ]


def _rate(card: Card | None, listing: Listing, path: Path) -> float | None:
    """Returns a clip's frame rate from the column `frame_rate`, or else from the card."""
    text = listing.columns.get(path, {}).get("frame_rate", "")
    if not text:
        return card.frame_rate if card else None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= FASTEST:
        raise UserError(
            f"{listing.source}, line {listing.lines[path]}: frame_rate is {text!r}; it must be "
            f"frames per second, above 0 and up to {FASTEST}"
        )
    return rate


def _remarks(found: Inspection, assumed: Sequence[Path]) -> Iterator[str]:
    """Yields warnings about clips that are used despite an issue."""
    if assumed:
        yield (
            f"{_clips(assumed, 'does', 'do')} not state a frame rate, so {ASSUMED_RATE:g} frames "
            "per second are assumed; set frame_rate in the card or in a column of the CSV file"
        )
    if found.remarks:
        path, remark = next(iter(found.remarks.items()))
        yield f"{_clips([*found.remarks], 'has', 'have')} gaps ({path}: {remark})"


def _clips(paths: Sequence[Path], one: str, many: str) -> str:
    return f"1 clip {one}" if len(paths) == 1 else f"{len(paths)} clips {many}"


def _refuse_if_broken(
    source: Path, paths: list[Path], skipped: list[SkippedFile], max_broken: float
) -> None:
    if len(skipped) < len(paths) and len(skipped) <= max_broken * len(paths):
        return
    named = "\n".join(f"  {s.path}: {s.reason}" for s in skipped[:NAMED_IN_ERROR])
    rest = len(skipped) - NAMED_IN_ERROR
    raise UserError(
        f"{source}: {len(skipped)} of {len(paths)} videos are broken, more than the "
        f"{max_broken:.0%} allowed; fix or remove them, or allow more:\n{named}"
        + (f"\n  and {rest} more" if rest > 0 else "")
    )
