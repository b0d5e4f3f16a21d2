"""Kinetics: lists by split, and clips named after a YouTube video and its seconds."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pan_keras.data.clip import checked_label, split_of
from pan_keras.data.csv_source import read_table
from pan_keras.data.layouts.files import label_file, optional_label_file
from pan_keras.data.layouts.members import Member, Members
from pan_keras.errors import UserError
from pan_keras.video.folder_tree import VIDEO_SUFFIXES, is_hidden, path_order

PREFIXES = ("", "kinetics_", "kinetics400_", "kinetics-400_", "k400_")
WORDS = {"train": ("train",), "val": ("val", "validate", "validation"), "test": ("test",)}
# The copy of the CVD Foundation has repaired versions of some clips in a folder of this name.
REPAIRED = "replacement"


@dataclass(frozen=True)
class _Row:
    """A line of a list."""

    place: str
    video: str
    clip: str
    label: str
    split: str


def read_kinetics(source: Path, layout: str) -> Members:
    """Lists the clips of Kinetics.

    Clips are found by their names, `ID_000123_000133` or, if the lists have one clip of the video,
    `ID`, at any depth: below splits, below classes (with spaces or underscores), or all in one
    folder. The lists decide class and split, whatever folder a clip lies in.

    Args:
        source: Folder with the clips, and with the lists, or a folder of these.
        layout: `"kinetics"`.

    Raises:
        UserError: If lists are missing, damaged or contradict each other.
    """
    rows = _rows(source, layout)
    once = Counter(row.video for row in rows)
    tree = _tree(source)
    classes = tuple(sorted({row.label for row in rows if row.label}))
    folders = {_plain(label): label for label in classes}
    members, taken, moved = [], set(), []
    for row in rows:
        names = [row.clip, row.video] if once[row.video] == 1 else [row.clip]
        name = next((name for name in names if name in tree), row.clip)
        taken.add(name)
        paths = _preferred(tree.get(name, ()), source)
        members.append(Member.found_at(row.clip, row.label, (row.split,), paths, source))
        if len(paths) == 1 and _contradicts(paths[0].relative_to(source), row, folders):
            moved.append(paths[0])
    strays = sorted((p for n in tree.keys() - taken for p in tree[n]), key=path_order)
    warnings = []
    if moved:
        warnings.append(
            f"{len(moved)} clips are in the folder of another class or split than the lists say, "
            f"such as {moved[0]}; the lists decide"
        )
    return Members(classes, tuple(members), tuple(strays), tuple(warnings))


def _rows(source: Path, layout: str) -> list[_Row]:
    rows: list[_Row] = []
    seen: dict[str, str] = {}
    for split, words in WORDS.items():
        names = [f"{prefix}{word}.csv" for word in words for prefix in PREFIXES]
        # Copies often come without the test clips.
        find = optional_label_file(source, names) if split == "test" else None
        path = find if split == "test" else label_file(source, names, layout)
        for row in _list(path, split) if path is not None else ():
            if row.clip in seen:
                raise UserError(
                    f"{row.place}: {row.clip} is listed before, in {seen[row.clip]}; put the "
                    "original lists back"
                )
            seen[row.clip] = row.place
            rows.append(row)
    return rows


def _list(path: Path, split: str) -> Iterator[_Row]:
    table = read_table(path, ("youtube_id", "time_start", "time_end"))
    for line, cells in table.rows:
        place = f"{path}, line {line}"
        told = (cells.get("split") or "").strip()
        if told and (split_of(told) or {"validate": "val"}.get(told)) != split:
            raise UserError(
                f"{place}: its split is {told!r} in the list of {split}; put the original list back"
            )
        label = (cells.get("label") or "").strip()
        if not label and split != "test":
            raise UserError(f"{place}: it has no label; put the original list back")
        video = (cells["youtube_id"] or "").strip()
        times = [_seconds(cells[name], place) for name in ("time_start", "time_end")]
        clip = f"{video}_{times[0]:06}_{times[1]:06}"
        yield _Row(place, video, clip, checked_label(label, place) if label else "", split)


def _seconds(text: str | None, place: str) -> int:
    try:
        return int(float(text or ""))
    except (ValueError, OverflowError):
        raise UserError(f"{place}: {text!r} is not a time in seconds; put the list back") from None


def _tree(source: Path) -> dict[str, list[Path]]:
    """Returns the paths of all video files by their names without a suffix."""
    found: dict[str, list[Path]] = {}
    for folder, folders, files in os.walk(source):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in files:
            stem, dot, suffix = name.rpartition(".")
            if dot and f".{suffix.lower()}" in VIDEO_SUFFIXES and not is_hidden(name):
                found.setdefault(stem, []).append(Path(folder, name))
    return found


def _preferred(paths: Sequence[Path], source: Path) -> Sequence[Path]:
    if len(paths) < 2:
        return paths
    folders = {path: path.relative_to(source).parent.parts for path in paths}
    repaired = [p for p in paths if any(part.startswith(REPAIRED) for part in folders[p])]
    return repaired if len(repaired) == 1 else sorted(paths, key=path_order)


def _contradicts(path: Path, row: _Row, labels: Mapping[str, str]) -> bool:
    """Whether a folder of the path names another split or class than the list."""
    for part in path.parent.parts:
        split = next((key for key, words in WORDS.items() if part.lower() in words), row.split)
        label = labels.get(_plain(part), row.label)
        if split != row.split or (row.label and label != row.label):
            return True
    return False


def _plain(label: str) -> str:
    """A class as the name of a folder: copies replace spaces, and some leave out signs."""
    return label.replace(" ", "_").replace("(", "").replace(")", "").lower()
