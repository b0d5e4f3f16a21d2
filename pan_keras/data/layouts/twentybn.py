"""Something-Something V1 and V2, and Jester: one folder of clips, and lists by split."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pan_keras.data.clip import checked_label
from pan_keras.data.layouts.files import check_class, clips_below, label_file, lines_of
from pan_keras.data.layouts.members import Member, Members
from pan_keras.errors import UserError
from pan_keras.files import read_text

# The folder of clips, and the beginning of the names of label files.
NAMES = {
    "something-v1": ("20bn-something-something-v1", "something-something-v1"),
    "something-v2": ("20bn-something-something-v2", "something-something-v2"),
    "jester": ("20bn-jester-v1", "jester-v1"),
}
LISTS = {"train": "train", "val": "validation", "test": "test"}


def read_twentybn(source: Path, layout: str) -> Members:
    """Lists the clips of Something-Something or Jester.

    The classes of a CSV file are sorted, and those of a JSON file have its numbers, as in the code
    of TSM, which the authors' code builds on. In V2 the class of a clip is its template without the
    brackets; its label names the objects.

    Args:
        source: Folder with the folder of clips, and with the label files or a folder of them.
        layout: `"something-v1"`, `"something-v2"` or `"jester"`.

    Raises:
        UserError: If files are missing, damaged or contradict each other.
    """
    folder, prefix = NAMES[layout]
    lists = {
        split: label_file(source, _names(prefix, word), layout) for split, word in LISTS.items()
    }
    classes = _classes(label_file(source, _names(prefix, "labels"), layout))
    rows = _rows(lists, dict.fromkeys(classes))
    folders = (folder, f"{folder}-frames", "videos", "frames", ".")
    clips = clips_below(source, folders, rows, layout)
    members = tuple(
        Member.found_at(name, label, (split,), clips.take(name), clips.folder)
        for name, (label, split) in rows.items()
    )
    # Beside the clips themselves there may be the folder of label files.
    strays = [
        path for path in clips.strays() if path not in {each.parent for each in lists.values()}
    ]
    return Members(classes, members, tuple(strays))


def _names(prefix: str, word: str) -> list[str]:
    return [f"{start}{word}.{kind}" for start in (f"{prefix}-", "") for kind in ("csv", "json")]


def _classes(path: Path) -> tuple[str, ...]:
    if path.suffix == ".csv":
        return tuple(
            sorted({checked_label(text, f"{path}, line {n}") for n, text in lines_of(path)})
        )
    numbers = _json(path)
    try:
        names = sorted(numbers, key=lambda name: int(numbers[name]))
    except (TypeError, ValueError, KeyError):
        raise UserError(
            f"{path}: it must map each class to its number; put the original file back"
        ) from None
    return tuple(checked_label(name, str(path)) for name in names)


def _rows(lists: Mapping[str, Path], classes: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    """Returns class and split of each clip."""
    rows: dict[str, tuple[str, str]] = {}
    for split, path in lists.items():
        for place, name, label in _json_list(path) if path.suffix == ".json" else _csv_list(path):
            if name in rows:
                raise UserError(
                    f"{place}: the clip {name} is listed before, in {rows[name][1]}; put the "
                    "original lists back"
                )
            if not label and split != "test":
                raise UserError(
                    f"{place}: the clip {name} has no class; put the original file back"
                )
            if label:
                check_class(label, classes, place)
            rows[name] = (label, split)
    return rows


def _csv_list(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yields place, name and class from lines such as `12;Swiping Left`; test clips have none."""
    for number, line in lines_of(path):
        name, _, label = line.partition(";")
        yield f"{path}, line {number}", name.strip(), label.strip()


def _json_list(path: Path) -> Iterator[tuple[str, str, str]]:
    rows = _json(path)
    for number, row in enumerate(rows if isinstance(rows, list) else [None], 1):
        place = f"{path}, entry {number}"
        if not isinstance(row, dict) or not isinstance(row.get("id"), str | int):
            raise UserError(f"{place}: it must be an object with an id; put the original file back")
        template = row.get("template", row.get("label", ""))
        if not isinstance(template, str):
            raise UserError(f"{place}: its template is not text; put the original file back")
        yield place, str(row["id"]), template.replace("[", "").replace("]", "").strip()


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path).lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: this is not JSON ({error}); put the original file back") from None
