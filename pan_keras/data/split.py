"""Draws stratified splits from a seed and records them in a file."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pan_keras.data.clip import split_of
from pan_keras.data.csv_source import read_table
from pan_keras.errors import UserError
from pan_keras.files import is_writable, replacing, turn
from pan_keras.video.folder_tree import path_order

SHARES = {"test": 0.15, "val": 0.15}
VAL_FROM_TRAIN = {"val": 0.15}
COLUMNS = ("path", "label", "split", "seed")


def stratified_split(
    labels: Mapping[Path, str], seed: int, shares: Mapping[str, float]
) -> dict[Path, str]:
    """Draws a fraction of each class for each split; the rest is used for training.

    Training keeps at least one clip of each class: a class of two clips contributes one to the
    first split of `shares`, a class of one clip contributes none.

    Args:
        labels: Class of each file.
        seed: Random seed; the order of `labels` does not matter.
        shares: Fraction of each class for each split other than train.

    Returns:
        Split of each file.

    Example:
        >>> stratified_split({Path(f"{i}.mp4"): "wave" for i in range(20)}, 0, {"test": 0.15})
    """
    classes: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(labels, key=path_order):
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
    """Reads recorded splits from a file, draws those of new clips, and records them.

    Clips therefore keep their split when others are added. Rows of other seeds and of missing clips
    stay in the file, so a clip that reappears returns to its split.

    Args:
        labels: Class of each file.
        seed: Random seed; rows of other seeds are ignored.
        shares: As for `stratified_split`.
        record: CSV with the columns path, label, split, seed.

    Returns:
        Split of each file.

    Raises:
        UserError: If the record is damaged, or another process keeps it locked.
    """
    may_write = is_writable(record)
    with turn(record.parent) if may_write else nullcontext():
        rows = _read(record)
        kept = {path: rows[path, seed] for path in labels if (path, seed) in rows}
        _refuse_others(kept, shares, record)
        new = {path: label for path, label in labels.items() if path not in kept}
        drawn = stratified_split(new, seed, shares)
        splits = {path: drawn[path] if path in drawn else kept[path].split for path in labels}
        if new and may_write:
            rows |= {(p, seed): _Row(p, labels[p], splits[p], seed) for p in labels}
            with replacing(record) as temporary:
                temporary.write_text(_table(rows.values(), record.parent), encoding="utf-8")
    return splits


def split_table(
    labels: Mapping[Path, str], splits: Mapping[Path, str], seed: int, folder: Path
) -> str:
    """Formats a split as CSV text.

    Args:
        labels: Class of each file.
        splits: Split of each file.
        seed: Seed it was drawn from.
        folder: Folder that the paths are relative to.
    """
    rows = (_Row(path, labels[path], splits[path], seed) for path in labels)
    return _table(rows, folder)


@dataclass(frozen=True)
class _Row:
    path: Path
    label: str
    split: str
    seed: int
    line: int = 0


def _table(rows: Iterable[_Row], folder: Path) -> str:
    lines = [",".join(COLUMNS) + "\n"]
    for row in sorted(rows, key=lambda row: (row.seed, path_order(row.path))):
        relative = row.path.is_relative_to(folder)
        name = (row.path.relative_to(folder) if relative else row.path).as_posix()
        line = io.StringIO()
        writer = csv.writer(
            line,
            lineterminator="\n",
            # Python's writer does not quote carriage returns.
            quoting=csv.QUOTE_ALL if "\r" in name + row.label else csv.QUOTE_MINIMAL,
        )
        writer.writerow((name, row.label, row.split, row.seed))
        lines.append(line.getvalue())
    return "".join(lines)


def _read(record: Path) -> dict[tuple[Path, int], _Row]:
    if not record.exists() and not record.is_symlink():
        return {}
    if not record.is_file():
        raise UserError(f"{record}: not a file, but the split must be written here; move it")
    try:
        table = read_table(record, COLUMNS)
    except UserError as error:
        raise UserError(
            f"{error} (this file is not the split that pan-keras wrote; move it away, or give it "
            "as the data source if it is your own list)"
        ) from error
    rows: dict[tuple[Path, int], _Row] = {}
    for line, cells in table.rows:
        row = _row(record, line, cells)
        other = rows.setdefault((row.path, row.seed), row)
        if other.split != row.split:
            raise UserError(
                f"{record}, line {line}: puts {cells['path']} into {row.split}, but line "
                f"{other.line} into {other.split}; remove one"
            )
    return rows


def _row(record: Path, line: int, cells: Mapping[str, str | None]) -> _Row:
    place = f"{record}, line {line}"
    if not cells["path"]:
        raise UserError(f"{place}: the path is empty; fill it in or delete the line")
    split = split_of(cells["split"] or "")
    if split is None:
        raise UserError(f"{place}: split is {cells['split']!r}; it must be train, val or test")
    seed = (cells["seed"] or "").strip()
    if not (seed.isascii() and seed.removeprefix("-").isdecimal() and len(seed) < 30):
        raise UserError(f"{place}: seed is {cells['seed']!r}; it must be a whole number")
    return _Row(record.parent / cells["path"], cells["label"] or "", split, int(seed), line)


def _refuse_others(kept: Mapping[Path, _Row], shares: Mapping[str, float], record: Path) -> None:
    for path, row in kept.items():
        if row.split not in ("train", *shares):
            raise UserError(
                f"{record}, line {row.line}: puts {path} into {row.split}, but the data "
                f"define {row.split} themselves, without this clip; correct the line, or move the "
                "file away to draw a new split"
            )
