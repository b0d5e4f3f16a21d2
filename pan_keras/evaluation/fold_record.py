"""The record of a cross-validation: the fold of each clip."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from pan_keras.data import VideoData, assign_folds
from pan_keras.data.roots import relative
from pan_keras.errors import UserError
from pan_keras.runs.run_folder import RunFolder
from pan_keras.video import clip_bytes

FOLDS, FACTS = "folds.csv", "folds.json"


@dataclass(frozen=True)
class FoldClip:
    """A clip in its fold.

    Args:
        path: Path relative to the root of the data, with slashes; absolute if outside the root.
        label: Its class.
        group: Its group; empty without groups.
        fold: Number of its fold, from 1.
        bytes: Size of the file.
        frame_rate: Frames per second as stated by the data set; empty if not stated.
    """

    path: str
    label: str
    group: str
    fold: int
    bytes: int
    frame_rate: str = ""


COLUMNS = tuple(field.name for field in fields(FoldClip))


@dataclass(frozen=True)
class FoldRecord:
    """The clips of a cross-validation with their folds.

    Args:
        clips: The clips.
        root: Folder that paths are relative to.
        groups: Column of the groups, or None.

    Example:
        >>> record = FoldRecord.draw(open_data("videos"), folds=2, groups=None, root=Path("videos"))
        >>> record.names
        {1: '1', 2: '2'}
    """

    clips: tuple[FoldClip, ...]
    root: Path
    groups: str | None

    @classmethod
    def draw(
        cls,
        data: VideoData,
        folds: int | None,
        groups: str | None,
        *,
        root: Path,
        splits: Sequence[str] = ("train", "val", "test"),
        seed: int = 0,
    ) -> "FoldRecord":
        """Divides the clips of some splits of a data set into folds.

        Args:
            data: The opened data.
            folds: Number of folds; None for one per group.
            groups: Column of the groups, or None.
            root: Folder that paths are relative to.
            splits: The splits whose clips are used.
            seed: Seed of the draw.

        Raises:
            UserError: If the clips cannot be divided in this way.
        """
        clips = [clip for clip in data.all_clips if clip.split in splits]
        labels = {clip.path: data.classes[clip.label] for clip in clips}
        by_group = None if groups is None else _groups(data, groups, list(labels))
        found = assign_folds(labels, folds, seed, by_group)
        rate = data.card.frame_rate if data.card is not None else None
        rows = [
            FoldClip(
                path=relative(path, root),
                label=label,
                group=by_group[path] if by_group is not None else "",
                fold=found[path],
                bytes=clip_bytes(path) or 0,
                frame_rate=data.columns.get(path, {}).get("frame_rate", "") or str(rate or ""),
            )
            for path, label in labels.items()
        ]
        return cls(tuple(rows), root, groups)

    @classmethod
    def read(cls, folder: Path) -> "FoldRecord":
        """Reads the record of a folder.

        Args:
            folder: The folder.

        Raises:
            UserError: If the record is damaged.
        """
        files = RunFolder(folder)
        try:
            rows = csv.DictReader(io.StringIO(files.read_text(FOLDS), newline=""), strict=True)
            clips = tuple(
                FoldClip(
                    path=row["path"],
                    label=row["label"],
                    group=row["group"],
                    fold=int(row["fold"]),
                    bytes=int(row["bytes"]),
                    frame_rate=row["frame_rate"],
                )
                for row in rows
            )
            facts = json.loads(files.read_text(FACTS))
            root, groups = Path(facts["root"]), facts["groups"]
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise UserError(
                f"{folder / FOLDS}: damaged ({error}); restore it and {FACTS}, or start a new "
                "cross-validation"
            ) from None
        return cls(clips, root, groups)

    def write(self, folder: Path) -> None:
        """Writes the record.

        Args:
            folder: The folder.
        """
        files = RunFolder(folder)
        files.write(FACTS, {"root": str(self.root), "groups": self.groups})
        files.write(FOLDS, _csv(COLUMNS, [astuple(clip) for clip in self.clips]))

    @property
    def names(self) -> dict[int, str]:
        """Name of each fold by number: its group if it has only one, else the number."""
        found = {}
        for number in sorted({clip.fold for clip in self.clips}):
            groups = {clip.group for clip in self.clips if clip.fold == number}
            found[number] = groups.pop() if self.groups and len(groups) == 1 else str(number)
        return found

    def table(self, fold: int) -> str:
        """Returns the data of a fold's run: its own clips for testing, the others for training.

        Args:
            fold: Number of the fold.

        Returns:
            CSV with columns path, label, split and frame_rate.
        """
        rows = [
            (clip.path, clip.label, "test" if clip.fold == fold else "train", clip.frame_rate)
            for clip in self.clips
        ]
        return _csv(("path", "label", "split", "frame_rate"), rows)

    def check_clips(self) -> None:
        """Raises UserError if a clip is missing or has another size."""
        for clip in self.clips:
            size = clip_bytes(self.root / clip.path)
            if size != clip.bytes:
                what = "gone" if size is None else "of another size"
                raise UserError(
                    f"{self.root / clip.path}: is {what} since the folds were drawn; restore it, "
                    "or start a new cross-validation"
                )


def _groups(data: VideoData, column: str, paths: Sequence[Path]) -> dict[Path, str]:
    name = column.strip().lower()
    known = list(dict.fromkeys(key for path in paths for key in data.columns.get(path, {})))
    if name not in known:
        others = [key for key in known if key not in ("path", "label", "split", "frame_rate")]
        has = f"the columns are {', '.join(others)}" if others else "it has no other columns"
        raise UserError(
            f"{data.source}: there is no column {column!r} to group clips by ({has}); groups need "
            "a CSV file with such a column"
        )
    found = {path: data.columns.get(path, {}).get(name, "") for path in paths}
    empty = [path for path, group in found.items() if not group]
    if empty:
        raise UserError(f"{data.source}: {empty[0]} has no {column}; fill in the column")
    return found


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue()
