"""Finds clips in folders and their subfolders, and counts other files."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.video.frame_folder import is_frame

# Common extensions of the formats in `container.FORMATS`.
VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("mp4", "m4v", "mov", "qt", "3gp", "3g2", "f4v", "mj2", "avi", "divx", "mkv", "webm"),
        *("mpg", "mpeg", "mpe", "mpv", "m1v", "m2v", "vob", "ts", "mts", "m2ts", "m2t", "tp"),
        *("wmv", "asf", "flv", "ogv", "ogm", "mxf", "gif", "y4m", "dv", "rm", "rmvb", "wtv"),
        *("h264", "264", "hevc", "h265", "265", "ivf", "mjpeg", "mjpg", "nut"),
    )
)
# Files that operating systems create, in addition to names that begin with a dot.
SYSTEM_NAMES = frozenset(
    {
        *("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"),
        *("system volume information", "lost+found"),
    }
)
DEEPEST = 100
CLIP_INDEX = ".clip_index.sqlite"  # of pan_keras.data.clip_index


def is_hidden(name: str) -> bool:
    """Whether a file or folder is ignored: dot names and files of operating systems."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def path_order(path: Path) -> str:
    """Sort key with the order of `Path`, folder by folder, but much faster."""
    return os.path.normcase(path).replace(os.sep, "\0")


def visible_videos(folder: Path) -> list[Path]:
    """Lists the clips in a folder and all its subfolders, sorted by path.

    A clip is a video file or a folder of frames; the folder itself may be one. Links to folders
    are followed. Hidden files and folders are skipped, except for the folder itself.

    Args:
        folder: The folder.

    Raises:
        UserError: If the folder cannot be read.
    """
    found = scan(folder)
    return [folder] if found.is_clip else sorted(found.all_videos(), key=path_order)


@dataclass
class Folder:
    """The contents of a folder.

    Attributes:
        path: The folder.
        videos: Clips in it: video files, and subfolders that are clips.
        framed: The clips that are folders of frames.
        folders: The other subfolders.
        strays: Counts of everything else.
        is_clip: Whether it is a clip itself: it has numbered pictures and no clips.
    """

    path: Path
    videos: list[Path] = field(default_factory=list)
    framed: list[Path] = field(default_factory=list)
    folders: list["Folder"] = field(default_factory=list)
    strays: Counter[str] = field(default_factory=Counter)
    is_clip: bool = False

    @property
    def name(self) -> str:
        """Name of the folder, without its parents."""
        return self.path.name

    def all_videos(self) -> Iterator[Path]:
        """Clips at any depth."""
        yield from self.videos
        for folder in self.folders:
            yield from folder.all_videos()

    def all_framed(self) -> Iterator[Path]:
        """Folders of frames at any depth."""
        yield from self.framed
        for folder in self.folders:
            yield from folder.all_framed()

    def all_strays(self) -> Counter[str]:
        """Counts of files that are not clips, at any depth."""
        return sum((folder.all_strays() for folder in self.folders), +self.strays)

    def add_folder(self, inner: "Folder") -> None:
        """Adds a subfolder, as a clip if it is one.

        Args:
            inner: The subfolder, complete.
        """
        if inner.is_clip:
            self.videos.append(inner.path)
            self.framed.append(inner.path)
            self.strays.update(inner.all_strays())
        else:
            self.folders.append(inner)

    def add_frames(self, frames: int) -> None:
        """Makes this folder a clip if it has frames and no clips, which must have been added.

        Args:
            frames: Number of numbered pictures in it.
        """
        self.is_clip = frames > 0 and not any(self.all_videos())
        if frames and not self.is_clip:
            self.strays["files that are not videos"] += frames

    def filled(self) -> list["Folder"]:
        """Subfolders that hold videos at any depth."""
        return [folder for folder in self.folders if any(folder.all_videos())]


def scan(path: Path, above: tuple[tuple[int, int], ...] = ()) -> Folder:
    """Scans a folder and its subfolders.

    Args:
        path: The folder.
        above: Device and inode of each folder above, to detect cycles of links.

    Raises:
        UserError: If the folder cannot be read, or is nested too deeply.
    """
    found = Folder(path)
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
        found.strays["links to a parent folder"] += 1
        return found
    if len(above) > DEEPEST:
        raise UserError(f"{path}: lies {DEEPEST} folders deep; name a folder closer to the videos")
    _sort_entries(found, entries, (*above, identity))
    return found


def _sort_entries(
    found: Folder, entries: Sequence[os.DirEntry], above: tuple[tuple[int, int], ...]
) -> None:
    frames = 0
    for entry in entries:
        if is_hidden(entry.name):
            if not entry.name.startswith(CLIP_INDEX):
                found.strays["hidden files"] += _count_files(entry)
        elif entry.is_dir():
            found.add_folder(scan(found.path / entry.name, above))
        elif not entry.is_file() and entry.is_symlink():
            found.strays["broken links"] += 1
        elif entry.is_file() and _suffix(entry.name) in VIDEO_SUFFIXES:
            found.videos.append(found.path / entry.name)
        elif entry.is_file() and is_frame(entry.name):
            frames += 1
        else:
            found.strays["files that are not videos"] += 1
    found.add_frames(frames)


def _suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if stem and dot else ""


def _count_files(entry: os.DirEntry) -> int:
    if not entry.is_dir(follow_symlinks=False):
        return 1
    return sum(len(files) for _, _, files in os.walk(entry.path))
