"""Finding labelled videos: in class folders, or in a CSV file."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pan_keras.errors import UserError

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv .flv .3gp .ts .mts .m2ts .ogv".split()
)
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass
class Listing:
    """The files that a source names, before any is opened.

    Args:
        source: The folder or CSV file.
        record: Where a split that is drawn for it is written down.
        labels: Class of each file.
        splits: Split of each file, empty if the source tells none.
        columns: Further columns of each file, from a CSV.
        lines: Line of each file, from a CSV.
        ignored: What lay there and is no labelled video, with counts.
    """

    source: Path
    record: Path
    labels: dict[Path, str] = field(default_factory=dict)
    splits: dict[Path, str] = field(default_factory=dict)
    columns: dict[Path, dict[str, str]] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)


def list_folder(root: Path) -> Listing:
    """Lists videos in class folders, with or without train, val and test folders above them.

    Args:
        root: A folder.

    Raises:
        UserError: If it does not exist or holds no videos in class folders.
    """
    if not root.is_dir():
        raise UserError(f"{root}: there is no such folder; name one that holds your videos")
    listing = Listing(root, root / "split.csv")
    folders = _visible_folders(root)
    listing.ignored.update(_count_strays(root, listing.record))
    if _are_splits(folders):
        for folder in folders:
            for class_folder in _visible_folders(folder):
                _add_class(listing, class_folder, SPLIT_NAMES[folder.name.lower()])
            listing.ignored.update(_count_strays(folder))
    else:
        for class_folder in folders:
            _add_class(listing, class_folder, None)
    if not listing.labels:
        raise UserError(
            f"{root}: there are no videos here; expected a folder for each class with videos in "
            "it, alone or under train, val and test"
        )
    return listing


def list_csv(path: Path, root: Path | None = None) -> Listing:
    """Lists the videos of a CSV file with the columns path, label and, if it likes, split.

    Args:
        path: The CSV file.
        root: Folder that relative paths start from; the CSV's own unless given.

    Raises:
        UserError: If a column or value is missing, a path comes twice, or a split is unknown.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
            names = reader.fieldnames or []
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; name a CSV of videos") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: this is not a CSV file in UTF-8 ({error}); mend it") from error
    for column in ("path", "label"):
        if column not in names:
            raise UserError(f"{path}: the column {column!r} is missing; its first line names them")
    listing = Listing(path, path.with_name(f"{path.stem}.split.csv"))
    for line, row in rows:
        _add_row(listing, line, row, root or path.parent, "split" in names)
    if not listing.labels:
        raise UserError(f"{path}: it lists no videos; add a line for each")
    return listing


def _visible_folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _are_splits(folders: list[Path]) -> bool:
    # A class may well be called "train" and hold videos of trains; a split holds folders only.
    return bool(folders) and all(
        folder.name.lower() in SPLIT_NAMES and not any(map(_is_video, folder.iterdir()))
        for folder in folders
    )


def _count_strays(folder: Path, record: Path | None = None) -> Counter[str]:
    strays = [p for p in folder.iterdir() if p.is_file() and p != record]
    return Counter(_reason(p) or "videos outside a class folder" for p in strays)


def _reason(path: Path) -> str | None:
    if path.name.startswith("."):
        return "hidden files"
    return None if _is_video(path) else "files that are no videos"


def _add_class(listing: Listing, folder: Path, split: str | None) -> None:
    files = [p for p in folder.rglob("*") if p.is_file()]
    videos = sorted(p for p in files if _reason(p) is None)
    listing.ignored.update(reason for p in files if (reason := _reason(p)))
    if not videos:
        listing.ignored["empty folders"] += 1
    for path in videos:
        listing.labels[path] = folder.name
        if split:
            listing.splits[path] = split


def _add_row(listing: Listing, line: int, row: dict, root: Path, has_split: bool) -> None:
    place = f"{listing.source}, line {line}"
    if not row["path"] or not row["label"]:
        raise UserError(f"{place}: path and label must both be filled in")
    path = root / row["path"]
    if path in listing.labels:
        raise UserError(
            f"{place}: {row['path']} was listed before, in line {listing.lines[path]}; "
            "take one of the two out"
        )
    if has_split:
        split = SPLIT_NAMES.get((row["split"] or "").strip().lower())
        if split is None:
            raise UserError(f"{place}: split is {row['split']!r}; it must be train, val or test")
        listing.splits[path] = split
    listing.labels[path] = row["label"]
    listing.lines[path] = line
    listing.columns[path] = {key: value or "" for key, value in row.items() if key is not None}
