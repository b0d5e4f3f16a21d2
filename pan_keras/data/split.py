"""Splits drawn from a seed, class by class, and written down."""

import csv
import io
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pan_keras.errors import UserError
from pan_keras.files import replacing

SHARES = {"test": 0.15, "val": 0.15}
VAL_FROM_TRAIN = {"val": 0.15}
COLUMNS = ("path", "label", "split", "seed")


def stratified_split(
    labels: Mapping[Path, str], seed: int, shares: Mapping[str, float]
) -> dict[Path, str]:
    """Draws a share of each class for each split; the rest is for training.

    Training comes first: it keeps at least one clip of each class, so a class of two clips
    gives one to the first split of `shares` and a class of one clip none to either.

    Args:
        labels: Class of each file.
        seed: Seed of the draw; the order of `labels` does not matter.
        shares: Fraction of a class for each split other than train.

    Returns:
        Split of each file.

    Example:
        >>> stratified_split({Path(f"{i}.mp4"): "wave" for i in range(20)}, 0, {"test": 0.15})
    """
    classes: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(labels):
        classes[labels[path]].append(path)
    splits = {}
    for number, label in enumerate(sorted(classes)):
        paths = classes[label]
        order = np.random.default_rng([seed, number]).permutation(len(paths))
        left = [paths[i] for i in order]
        for split, share in shares.items():
            taken = min(len(left) - 1, max(1, round(share * len(paths))))
            splits.update(dict.fromkeys(left[:taken], split))
            left = left[taken:]
        splits.update(dict.fromkeys(left, "train"))
    return splits


def recorded_split(
    labels: Mapping[Path, str], seed: int, shares: Mapping[str, float], record: Path
) -> dict[Path, str]:
    """The split in a file where it tells one, drawn where it does not, and written back.

    So clips stay in their split when others join them.

    Args:
        labels: Class of each file.
        seed: Seed of the draw; a record of another seed does not count.
        shares: As for `stratified_split`.
        record: CSV with the columns path, label, split, seed.

    Returns:
        Split of each file.
    """
    known = _read(record, seed)
    kept = {path: known[path] for path in labels if path in known}
    new = {path: label for path, label in labels.items() if path not in kept}
    splits = {**kept, **stratified_split(new, seed, shares)}
    text = split_table(labels, splits, seed, record.parent)
    if new and _is_writable(record.parent):
        with replacing(record) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return splits


def split_table(
    labels: Mapping[Path, str], splits: Mapping[Path, str], seed: int, folder: Path
) -> str:
    """A split as the text of a CSV file.

    Args:
        labels: Class of each file.
        splits: Split of each file.
        seed: Seed it was drawn from.
        folder: Folder that the paths are relative to.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for path in sorted(labels):
        name = path.relative_to(folder) if path.is_relative_to(folder) else path
        writer.writerow((name.as_posix(), labels[path], splits[path], seed))
    return table.getvalue()


def _is_writable(folder: Path) -> bool:
    """Whether a folder is meant to be written to; the superuser could write to any."""
    return bool(folder.stat().st_mode & 0o222) and os.access(folder, os.W_OK)


def _read(record: Path, seed: int) -> dict[Path, str]:
    if not record.is_file():
        return {}
    with record.open(newline="", encoding="utf-8") as file:
        rows: Sequence[dict] = list(csv.DictReader(file))
    if rows and not set(COLUMNS) <= set(rows[0]):
        raise UserError(
            f"{record}: this is not the split that pan-keras wrote (columns {', '.join(COLUMNS)}); "
            "move it away, or give it as the data source if it is your own list"
        )
    return {record.parent / row["path"]: row["split"] for row in rows if row["seed"] == str(seed)}
