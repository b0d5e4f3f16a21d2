"""HMDB51: class folders of AVI files, and a list for each class and fold."""

import re
from collections import defaultdict
from pathlib import Path

from pan_keras.data.clip import checked_label
from pan_keras.data.layouts.files import ClipFolder, clips_below, contents, lines_of, subfolders
from pan_keras.data.layouts.members import Member, Members
from pan_keras.errors import UserError

FOLDS = 3
FOLDERS = ("hmdb51_org", "hmdb51", "HMDB51", "videos", ".")
USE = {"0": "", "1": "train", "2": "test"}
_LIST = re.compile(r"(.+)_test_split([0-9]+)\.txt")


def read_hmdb51(source: Path, layout: str) -> Members:
    """Lists the clips of HMDB51. Each fold leaves some clips unused.

    Args:
        source: Folder with the class folders, or a folder of these, and with
            `CLASS_test_splitN.txt` for each class and fold, or a folder of these.
        layout: `"hmdb51"`.

    Raises:
        UserError: If files are missing, damaged or contradict each other.
    """
    lists = _lists(source)
    splits: dict[tuple[str, str], list[str]] = {}
    for label, files in lists.items():
        for fold, path in enumerate(files):
            for line, text in lines_of(path):
                name, _, use = text.rpartition(" ")
                if use not in USE or not name.strip():
                    raise UserError(
                        f"{path}, line {line}: {text[:80]!a} is not a file and 0, 1 or 2; put the "
                        "original file back"
                    )
                own = splits.setdefault((label, name.strip()), ["-"] * FOLDS)
                if own[fold] != "-":
                    raise UserError(
                        f"{path}, line {line}: {name.strip()} is listed twice; put the original "
                        "file back"
                    )
                own[fold] = USE[use]
    root = clips_below(source, FOLDERS, lists, layout).folder
    folders = {label: ClipFolder(root / label) for label in lists}
    members = []
    for (label, name), own in splits.items():
        folder = folders[label]
        paths = folder.take(name.rpartition(".")[0] or name)
        uses = tuple(split.replace("-", "") for split in own)
        members.append(Member.found_at(f"{label}/{name}", label, uses, paths, folder.folder))
    strays = [path for folder in folders.values() for path in folder.strays()]
    return Members(tuple(sorted(lists)), tuple(members), tuple(strays))


def _lists(source: Path) -> dict[str, list[Path]]:
    """Returns the lists of each class, one for each fold."""
    for folder in (source, *subfolders(source)):
        found: dict[str, dict[int, Path]] = defaultdict(dict)
        for path in sorted(folder.glob("*_test_split*.txt")):
            match = _LIST.fullmatch(path.name)
            if match is not None:
                found[checked_label(match[1], str(path))][int(match[2])] = path
        if found:
            return {label: _complete(folder, label, files) for label, files in found.items()}
    raise UserError(
        f"{source}: the label files of hmdb51, such as brush_hair_test_split1.txt, are neither "
        f"here nor in a folder directly below, only {contents(source)}; unpack them there"
    )


def _complete(folder: Path, label: str, files: dict[int, Path]) -> list[Path]:
    for fold in range(1, FOLDS + 1):
        if fold not in files:
            raise UserError(
                f"{folder}: the label file {label}_test_split{fold}.txt of hmdb51 is missing; put "
                "the original files back"
            )
    return [files[fold] for fold in range(1, FOLDS + 1)]
