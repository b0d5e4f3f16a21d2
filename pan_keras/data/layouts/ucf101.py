"""UCF101: class folders of AVI files, and lists of train and test clips by fold."""

from collections.abc import Mapping
from pathlib import Path

from pan_keras.data.clip import checked_label
from pan_keras.data.layouts.files import (
    ClipFolder,
    check_class,
    clips_below,
    label_file,
    lines_of,
)
from pan_keras.data.layouts.members import Member, Members
from pan_keras.errors import UserError

FOLDS = 3
FOLDERS = ("UCF-101", "UCF101", "videos", ".")


def read_ucf101(source: Path, layout: str) -> Members:
    """Lists the clips of UCF101.

    Args:
        source: Folder with the folder of classes, and with `classInd.txt`, `trainlist01.txt`,
            `testlist01.txt` and so on, or a folder of these.
        layout: `"ucf101"`.

    Raises:
        UserError: If files are missing, damaged or contradict each other.
    """
    numbers = _classes(label_file(source, ["classInd.txt"], layout))
    splits: dict[str, list[str]] = {}
    for fold in range(FOLDS):
        for split in ("train", "test"):
            path = label_file(source, [f"{split}list{fold + 1:02}.txt"], layout)
            for line, text in lines_of(path):
                name = _checked(text, numbers, f"{path}, line {line}")
                own = splits.setdefault(name, [""] * FOLDS)
                if own[fold]:
                    raise UserError(
                        f"{path}, line {line}: {name} is listed before, in the {own[fold]} clips "
                        f"of fold {fold + 1}; put the original lists back"
                    )
                own[fold] = split
    root = clips_below(source, FOLDERS, numbers, layout).folder
    folders = {label: ClipFolder(root / label) for label in numbers}
    members = []
    for name, own in splits.items():
        label, _, file = name.partition("/")
        folder = folders[label]
        paths = folder.take(file.rpartition(".")[0])
        members.append(Member.found_at(name, label, tuple(own), paths, folder.folder))
    strays = [path for folder in folders.values() for path in folder.strays()]
    return Members(tuple(numbers), tuple(members), tuple(strays))


def _classes(path: Path) -> dict[str, int]:
    """Reads lines such as `1 ApplyEyeMakeup`, in the order of their numbers."""
    found = {}
    for line, text in lines_of(path):
        number, _, label = text.partition(" ")
        if not number.isdecimal():
            raise UserError(
                f"{path}, line {line}: {text[:80]!a} is not a number and a class; put the original "
                "file back"
            )
        found[checked_label(label, f"{path}, line {line}")] = int(number)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _checked(text: str, numbers: Mapping[str, int], place: str) -> str:
    """Returns the name in a line such as `ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1`."""
    name, _, number = text.partition(" ")
    label, slash, file = name.partition("/")
    if not slash or not file.rpartition(".")[0]:
        raise UserError(f"{place}: {name[:80]!a} is not CLASS/FILE; put the original file back")
    check_class(label, numbers, place)
    if number.strip() not in ("", str(numbers[label])):
        raise UserError(
            f"{place}: {name} has the number {number.strip()}, but classInd.txt gives {label} "
            f"{numbers[label]}; put the original files back"
        )
    return name
