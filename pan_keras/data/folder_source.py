"""Lists labelled videos in class folders."""

import re
from collections.abc import Sequence
from pathlib import Path

from pan_keras.data.clip import checked_label, split_of
from pan_keras.data.listing import Listing
from pan_keras.data.remote_source import remote_folder
from pan_keras.errors import UserError
from pan_keras.printable import is_text, printable
from pan_keras.video.folder_tree import Folder, path_order, scan

# Common names of split folders, besides those that are recognised.
_LIKE_A_SPLIT = re.compile(r"(train|val|test|dev|eval|holdout)(ing|id|idation|uation)?([\W\d_].*)?")


def list_folder(root: Path) -> Listing:
    """Lists clips in class folders, with or without train, val and test folders above them.

    A clip is a video file, or a folder of images whose names end in numbers. Folders named train,
    val or test are splits if they contain class folders, and classes if they contain videos.
    Folders without videos may lie beside splits; folders with videos may not, because they could
    be classes or a further split.

    Args:
        root: A folder.

    Raises:
        UserError: If it does not exist, has no videos in class folders, or mixes splits with other
            folders of videos.
    """
    if not root.is_dir():
        raise UserError(f"{root}: there is no such folder; name one that holds your videos")
    tree = remote_folder(root) or scan(root)
    if tree.is_clip:
        raise UserError(
            f"{root}: this is a single clip, a folder of frames; name a folder that has one folder "
            "per class, with clips in each"
        )
    listing = Listing(root, root / "split.csv", root)
    if (root / "split.csv").is_file():
        tree.strays["files that are not videos"] -= 1
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
            f"{root}: there are no videos here; expected a folder for each class with videos, or "
            "folders of frames, in it, alone or under train, val and test"
        )
    _warn_of_mixture(listing, tree)
    return listing


def _are_splits(root: Path, splits: Sequence[Folder], others: Sequence[Folder]) -> bool:
    """Returns whether folders named train, val or test are splits.

    Raises:
        UserError: If the layout is ambiguous.
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
            "away what is not a split"
        )
    if flat and (not beside or len({split_of(folder.name) for folder in flat}) > 1):
        raise UserError(
            f"{root}: {_names(flat)} hold{_s(flat)} videos without class folders, so splits "
            f"cannot be told from classes{remedy}"
        )
    if not flat and len(beside) > 1 and all(_resembles_split(folder.name) for folder in beside):
        raise UserError(
            f"{root}: {_names(beside)} look like splits, not classes; rename them to train, val "
            "and test, or list the videos in a CSV file"
        )
    return bool(layered)


def _resembles_split(name: str) -> bool:
    return _LIKE_A_SPLIT.fullmatch(name.strip().lower()) is not None


def _names(folders: Sequence[Folder]) -> str:
    names = [folder.name for folder in folders[:5]]
    if len(folders) > 5:
        names.append(f"{len(folders) - 5} more")
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def _s(folders: Sequence[Folder]) -> str:
    return "s" if len(folders) == 1 else ""


def _add_split(listing: Listing, folder: Folder) -> None:
    if not any(folder.all_videos()):
        listing.ignored[f"folder {folder.name} without videos"] += 1
        return
    _count_strays(listing, folder)
    for class_folder in folder.folders:
        _add_class(listing, class_folder, split_of(folder.name))


def _count_strays(listing: Listing, folder: Folder) -> None:
    listing.ignored.update(+folder.strays)
    if folder.videos:
        listing.ignored["videos outside a class folder"] += len(folder.videos)


def _add_class(listing: Listing, folder: Folder, split: str | None) -> None:
    listing.ignored.update(folder.all_strays())
    videos = sorted(folder.all_videos(), key=path_order)
    above = len(str(folder.path))
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
        if not is_text(str(path)[above:]):
            listing.ignored[f"file {path}, whose name is not valid Unicode"] += 1
            continue
        listing.labels[path] = label
        if split:
            listing.splits[path] = split


def _warn_of_mixture(listing: Listing, tree: Folder) -> None:
    framed = [path for path in tree.all_framed() if path in listing.labels]
    if framed and len(framed) < len(listing.labels):
        many = f"{len(framed)} folders of pictures are" if len(framed) > 1 else "a folder is"
        listing.warnings.append(
            f"{many} used as clips beside video files, such as {framed[0]}; move away those "
            "that are not clips"
        )


def _warn_of_synonyms(listing: Listing, folders: Sequence[Folder]) -> None:
    filled = [folder for folder in folders if any(folder.all_videos())]
    for split in sorted({split_of(folder.name) or "" for folder in filled}):
        same = [folder for folder in filled if split_of(folder.name) == split]
        if len(same) > 1:
            listing.warnings.append(f"the folders {_names(same)} are all used as {split}")
