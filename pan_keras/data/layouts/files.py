"""Finds label files and clips in the folder of an unpacked data set."""

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.files import read_text
from pan_keras.video.folder_tree import VIDEO_SUFFIXES, is_hidden, path_order

SHOWN = 8  # entries of a folder in an error message


class ClipFolder:
    """The clips directly in a folder: video files, and subfolders of frames.

    Clips are found by their names without a suffix, so that copies in another container, or
    extracted to frames, are found too.

    Args:
        folder: The folder; a missing one has no clips.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._names: dict[str, list[str]] = {}
        self._taken: set[str] = set()
        for entry in _entries(folder):
            stem, dot, suffix = entry.name.rpartition(".")
            if entry.is_dir():
                self._names.setdefault(entry.name, []).append(entry.name)
            elif dot and f".{suffix.lower()}" in VIDEO_SUFFIXES:
                self._names.setdefault(stem, []).append(entry.name)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def take(self, name: str) -> list[Path]:
        """Returns the paths of a clip, and notes that a label file names it.

        Args:
            name: Its name without a suffix.
        """
        self._taken.add(name)
        return [self.folder / each for each in sorted(self._names.get(name, ()))]

    def strays(self) -> list[Path]:
        """Returns the clips that were not taken, sorted by path."""
        left = (names for stem, names in self._names.items() if stem not in self._taken)
        return sorted((self.folder / name for names in left for name in names), key=path_order)


def label_file(source: Path, names: Sequence[str], data_set: str) -> Path:
    """Finds a label file, in a folder or directly below it.

    Args:
        source: The folder.
        names: Names that the file may have, the usual one first.
        data_set: Name of the data set, for the message.

    Raises:
        UserError: If there is none.
    """
    found = optional_label_file(source, names)
    if found is None:
        others = f" (or {', '.join(names[1:4])})" if names[1:] else ""
        raise UserError(
            f"{source}: the label file {names[0]}{others} of {data_set} is neither here nor in a "
            f"folder directly below, only {contents(source)}; unpack it there"
        )
    return found


def optional_label_file(source: Path, names: Sequence[str]) -> Path | None:
    """Returns the first label file of these names, in a folder or directly below it, or None.

    Args:
        source: The folder.
        names: Names that the file may have, the usual one first.
    """
    for folder in (source, *subfolders(source)):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    return None


def clips_below(
    source: Path, folders: Sequence[str], names: Iterable[str], data_set: str
) -> ClipFolder:
    """Opens the first of several folders that has one of the wanted entries.

    Args:
        source: Folder of the data set.
        folders: Names of folders that clips, or folders of classes, may lie in; `.` for `source`.
        names: Names of which one must be there.
        data_set: Name of the data set, for the message.

    Raises:
        UserError: If no folder has any.
    """
    wanted = list(names)
    for name in folders:
        found = ClipFolder(source / name)
        if any(each in found for each in wanted):
            return found
    looked = ", ".join("the folder itself" if name == "." else name for name in folders)
    raise UserError(
        f"{source}: no clip of {data_set} is here; looked for {wanted[0] if wanted else 'clips'} "
        f"and others in {looked}, and found {contents(source)}; name the folder with the unpacked "
        "files"
    )


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yields number and text of each line of a label file that is not empty.

    Args:
        path: The file.

    Raises:
        UserError: If it is not text.
    """
    for number, line in enumerate(read_text(path).lstrip("\ufeff").splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def check_class(label: str, classes: Mapping[str, object], place: str) -> None:
    """Raises UserError if a label is not one of the classes.

    Args:
        label: The label.
        classes: The classes.
        place: Where the label is, which begins the message.
    """
    if label not in classes:
        near = difflib.get_close_matches(label, classes, n=1)
        hint = f"did its list of classes mean {near[0]!r}?" if near else "is it of another version?"
        raise UserError(f"{place}: the class {label!r} is not in the list of classes; {hint}")


def subfolders(folder: Path) -> list[Path]:
    """Returns the folders directly in a folder, sorted."""
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_dir())


def contents(folder: Path) -> str:
    """Names the first entries of a folder, for a message."""
    names = sorted(entry.name for entry in _entries(folder))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}" if names else "nothing"


def _entries(folder: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_hidden(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror}); check it") from error
