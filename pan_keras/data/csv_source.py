"""Finding labelled videos in a CSV file."""

import os
import re
from pathlib import Path

from pan_keras.data.clip import split_of
from pan_keras.data.labels import checked_label
from pan_keras.data.listing import Listing
from pan_keras.data.tables import read_table
from pan_keras.errors import UserError

_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def list_csv(path: Path, root: Path | None = None) -> Listing:
    r"""Lists the videos of a CSV file with the columns `path`, `label` and, optionally, `split`.

    A path that is not there as it is written is looked for without spaces around it, then with
    `/` for `\`. A file that is listed counts even if its name is hidden.

    Args:
        path: The CSV file.
        root: Folder that relative paths start from; the CSV's own unless given.

    Raises:
        UserError: If a column or value is missing, a path comes twice, a split is unknown, or a
            label cannot be used.
    """
    table = read_table(path, ("path", "label"))
    root = root or path.parent
    listing = Listing(path, path.with_name(f"{path.stem}.split.csv"), root)
    for line, row in table.rows:
        _add_row(listing, line, row, root, "split" in table.columns)
    if not listing.labels:
        raise UserError(f"{path}: it lists no videos; add a line for each")
    return listing


def _add_row(
    listing: Listing, line: int, row: dict[str, str | None], root: Path, has_split: bool
) -> None:
    place = f"{listing.source}, line {line}"
    name, label = row["path"] or "", row["label"] or ""
    if not name.strip() or not label.strip():
        raise UserError(f"{place}: path and label must both be filled in")
    path = _found(root, name, place)
    if path in listing.labels:
        raise UserError(
            f"{place}: {name.strip()} was listed before, in line {listing.lines[path]}; "
            "take one of the two out"
        )
    if has_split:
        split = split_of(row["split"] or "")
        if split is None:
            raise UserError(f"{place}: split is {row['split']!r}; it must be train, val or test")
        listing.splits[path] = split
    listing.labels[path] = checked_label(label, place)
    listing.lines[path] = line
    listing.columns[path] = {key: (value or "").strip() for key, value in row.items()}


def _found(root: Path, name: str, place: str) -> Path:
    tries = [name, name.strip(), name.strip().replace("\\", "/")]
    for text in dict.fromkeys(tries):
        path = root / text
        try:
            if path.exists():
                return path
        except OSError as error:
            reason = error.strerror
            raise UserError(f"{place}: no file can be at {text[:80]!r} ({reason})") from error
    if os.name != "nt" and _WINDOWS_DRIVE.match(name.strip()):
        raise UserError(
            f"{place}: {name.strip()} is a path of a Windows computer; write paths that start "
            "from the folder of this file, or of --root"
        )
    return root / name.strip()
