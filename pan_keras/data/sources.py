"""Finding labelled videos in class folders."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pan_keras.data.clip import split_of
from pan_keras.data.labels import checked_label
from pan_keras.errors import UserError
from pan_keras.printable import printable

# As common names of the formats that `container.FORMATS` reads.
VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("mp4", "m4v", "mov", "qt", "3gp", "3g2", "f4v", "mj2", "avi", "divx", "mkv", "webm"),
        *("mpg", "mpeg", "mpe", "mpv", "m1v", "m2v", "vob", "ts", "mts", "m2ts", "m2t", "tp"),
        *("wmv", "asf", "flv", "ogv", "ogm", "mxf", "gif", "y4m", "dv", "rm", "rmvb", "wtv"),
        *("h264", "264", "hevc", "h265", "265", "ivf", "mjpeg", "mjpg", "nut"),
    )
)
# What systems leave in folders, beside names that begin with a dot.
SYSTEM_NAMES = frozenset(
    {
        *("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"),
        *("system volume information", "lost+found"),
    }
)
DEEPEST = 100
# Folders of splits as they are often called, beside the names that are understood.
_LIKE_A_SPLIT = re.compile(r"(train|val|test|dev|eval|holdout)(ing|id|idation|uation)?([\W\d_].*)?")


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
        warnings: What a person should know of the list, as sentences.
    """

    source: Path
    record: Path
    labels: dict[Path, str] = field(default_factory=dict)
    splits: dict[Path, str] = field(default_factory=dict)
    columns: dict[Path, dict[str, str]] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name counts nowhere: dot names and those of systems."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def visible_videos(folder: Path) -> list[Path]:
    """Videos in a folder and all its subfolders, by path, without hidden files and folders.

    Links to folders are followed. The folder itself may be hidden.

    Args:
        folder: The folder.

    Raises:
        UserError: If the folder cannot be read.
    """
    return sorted(_scan(folder).all_videos())


def list_folder(root: Path) -> Listing:
    """Lists videos in class folders, with or without train, val and test folders above them.

    Folders called train, val or test are splits if they hold class folders, and a class if they
    hold videos. Folders without videos may lie beside splits; folders with videos may not, for
    they might be classes or a further split.

    Args:
        root: A folder.

    Raises:
        UserError: If it does not exist, holds no videos in class folders, or holds a mixture of
            splits and other folders of videos.
    """
    if not root.is_dir():
        raise UserError(f"{root}: there is no such folder; name one that holds your videos")
    tree = _scan(root)
    listing = Listing(root, root / "split.csv")
    if (root / "split.csv").is_file():
        tree.strays["files that are no videos"] -= 1
    _count_strays(listing, tree)
    splits = [folder for folder in tree.folders if split_of(folder.name)]
    others = [folder for folder in tree.folders if not split_of(folder.name)]
    if _are_splits(root, splits, others):
        for folder in splits:
            _add_split(listing, folder)
        for folder in others:
            listing.ignored[f"folder {folder.name} without videos"] += 1
        _warn_of_synonyms(listing, splits)
    else:
        for folder in tree.folders:
            _add_class(listing, folder, None)
    if not listing.labels:
        raise UserError(
            f"{root}: there are no videos here; expected a folder for each class with videos in "
            "it, alone or under train, val and test"
        )
    return listing


@dataclass
class _Folder:
    """What lies in a folder: videos, subfolders, and counts of what is neither."""

    path: Path
    videos: list[Path] = field(default_factory=list)
    folders: list["_Folder"] = field(default_factory=list)
    strays: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return self.path.name

    def all_videos(self) -> Iterator[Path]:
        yield from self.videos
        for folder in self.folders:
            yield from folder.all_videos()

    def all_strays(self) -> Counter[str]:
        return sum((folder.all_strays() for folder in self.folders), +self.strays)

    def filled(self) -> list["_Folder"]:
        """Subfolders that hold videos at any depth."""
        return [folder for folder in self.folders if any(folder.all_videos())]


def _scan(path: Path, above: tuple[tuple[int, int], ...] = ()) -> _Folder:
    found = _Folder(path)
    try:
        status = path.stat()
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        if not above:
            raise UserError(f"{path}: cannot be read ({error.strerror}); check it") from error
        found.strays[f"folder {path.name} that cannot be read"] += 1
        return found
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        found.strays["links to a folder above"] += 1
        return found
    if len(above) > DEEPEST:
        raise UserError(f"{path}: lies {DEEPEST} folders deep; name a folder nearer to the videos")
    for entry in entries:
        inside = path / entry.name
        if is_hidden(entry.name):
            found.strays["hidden files"] += _count_files(entry)
        elif entry.is_dir():
            found.folders.append(_scan(inside, (*above, identity)))
        elif not entry.is_file():
            what = "links to nothing" if entry.is_symlink() else "files that are no videos"
            found.strays[what] += 1
        elif inside.suffix.lower() in VIDEO_SUFFIXES:
            found.videos.append(inside)
        else:
            found.strays["files that are no videos"] += 1
    return found


def _count_files(entry: os.DirEntry) -> int:
    if not entry.is_dir(follow_symlinks=False):
        return 1
    return sum(len(files) for _, _, files in os.walk(entry.path))


def _are_splits(root: Path, splits: Sequence[_Folder], others: Sequence[_Folder]) -> bool:
    """Whether folders that are called train, val or test are splits.

    Raises:
        UserError: If that cannot be decided.
    """
    layered = [folder for folder in splits if folder.filled()]
    flat = [folder for folder in splits if folder.videos and not folder.filled()]
    beside = [folder for folder in others if any(folder.all_videos())]
    remedy = "; lay the videos out as SPLIT/CLASS or list them in a CSV file"
    if layered and (flat or beside):
        raise UserError(
            f"{root}: {_names(layered)} hold{_s(layered)} class folders, as splits do, but "
            f"{_names(flat or beside)} beside {'it' if len(layered) == 1 else 'them'} "
            f"hold{_s(flat or beside)} videos{' directly' if flat else ''} too{remedy}, or move "
            "what is no split away"
        )
    if flat and (not beside or len({split_of(folder.name) for folder in flat}) > 1):
        raise UserError(
            f"{root}: {_names(flat)} hold{_s(flat)} videos without class folders, so that splits "
            f"cannot be told from classes{remedy}"
        )
    if not flat and len(beside) > 1 and all(_resembles_split(folder.name) for folder in beside):
        raise UserError(
            f"{root}: {_names(beside)} look like splits, not classes; call them train, val and "
            "test, or list the videos in a CSV file"
        )
    return bool(layered)


def _resembles_split(name: str) -> bool:
    return _LIKE_A_SPLIT.fullmatch(name.strip().lower()) is not None


def _names(folders: Sequence[_Folder]) -> str:
    names = [folder.name for folder in folders[:5]]
    if len(folders) > 5:
        names.append(f"{len(folders) - 5} more")
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def _s(folders: Sequence[_Folder]) -> str:
    return "s" if len(folders) == 1 else ""


def _add_split(listing: Listing, folder: _Folder) -> None:
    if not any(folder.all_videos()):
        listing.ignored[f"folder {folder.name} without videos"] += 1
        return
    _count_strays(listing, folder)
    for class_folder in folder.folders:
        _add_class(listing, class_folder, split_of(folder.name))


def _count_strays(listing: Listing, folder: _Folder) -> None:
    listing.ignored.update(+folder.strays)
    if folder.videos:
        listing.ignored["videos outside a class folder"] += len(folder.videos)


def _add_class(listing: Listing, folder: _Folder, split: str | None) -> None:
    listing.ignored.update(folder.all_strays())
    videos = sorted(folder.all_videos())
    if not videos:
        listing.ignored["empty folders"] += 1
        return
    inner = [below for below in folder.filled() if split_of(below.name)]
    if len({split_of(below.name) for below in inner}) > 1:
        raise UserError(
            f"{folder.path}: holds {_names(inner)}, as a data set does, where a class is "
            "expected; name this folder if it is the data set, or lay the videos out as "
            "SPLIT/CLASS"
        )
    label = checked_label(folder.name, printable(folder.path))
    for path in videos:
        if not _is_text(str(path.relative_to(folder.path))):
            listing.ignored[f"file {path}, whose name is no Unicode"] += 1
            continue
        listing.labels[path] = label
        if split:
            listing.splits[path] = split


def _is_text(name: str) -> bool:
    """Whether a name can be written down; bytes that are no UTF-8 become surrogates."""
    return name.isprintable() or not any("\ud800" <= character <= "\udfff" for character in name)


def _warn_of_synonyms(listing: Listing, folders: Sequence[_Folder]) -> None:
    filled = [folder for folder in folders if any(folder.all_videos())]
    for split in sorted({split_of(folder.name) or "" for folder in filled}):
        same = [folder for folder in filled if split_of(folder.name) == split]
        if len(same) > 1:
            listing.warnings.append(f"the folders {_names(same)} are all taken for {split}")
