"""The list of a source's clips, before any is opened."""

import os
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.video.folder_tree import path_order


@dataclass
class Listing:
    """The clips listed by a source, before any is opened.

    Args:
        source: The folder or CSV file.
        record: File that records a split drawn for the source.
        root: Folder of the data, where the clip index is stored.
        labels: Class of each file.
        splits: Split of each file; empty if the source defines none.
        columns: Additional columns of each file, from a CSV.
        lines: Line number of each file, from a CSV.
        ignored: Counts of ignored items by kind.
        warnings: Warnings about the list, as sentences.
        classes: All classes in their official order; empty if they follow from the labels.
    """

    source: Path
    record: Path
    root: Path
    labels: dict[Path, str] = field(default_factory=dict)
    splits: dict[Path, str] = field(default_factory=dict)
    columns: dict[Path, dict[str, str]] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    classes: tuple[str, ...] = ()


def refuse_repeats(listing: Listing) -> None:
    """Ensures that no file is listed under two names, through links or `..` in a path.

    In a folder, a second name of a file in the same class and split is removed from the listing.

    Raises:
        UserError: If a file has two classes or splits, or two lines in a CSV.
    """
    first: dict[Hashable, Path] = {}
    # Files come before links, so that a link's target is kept instead of the link.
    for path in sorted(listing.labels, key=lambda path: (path.is_symlink(), path_order(path))):
        kept = first.setdefault(_identity(path), path)
        if kept == path:
            continue
        if path in listing.lines:
            one, other = sorted((kept, path), key=listing.lines.__getitem__)
            raise UserError(
                f"{listing.source}, line {listing.lines[other]}: {other} is the same file as "
                f"{one}, listed before, in line {listing.lines[one]}; remove one"
            )
        if (listing.labels[kept], listing.splits.get(kept)) != (
            listing.labels[path],
            listing.splits.get(path),
        ):
            raise UserError(
                f"{path}: is the same file as {kept}, in another class or split; remove one"
            )
        del listing.labels[path]
        listing.splits.pop(path, None)
        listing.ignored["additional names of a file"] += 1


def _identity(path: Path) -> Hashable:
    try:
        status = path.stat()
    except OSError:
        status = None
    if status is None or not status.st_ino:
        return os.path.abspath(path)  # noqa: PTH100 (a missing file cannot be resolved)
    return status.st_dev, status.st_ino
