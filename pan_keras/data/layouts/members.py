"""The clips that the label files of a data set name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Member:
    """A clip that a label file names.

    Args:
        name: Its name in the label file.
        label: Its class; empty if not published.
        splits: Its split in each official fold, a single one without folds; empty where a fold
            does not use the clip.
        path: Its file or folder of frames; None if it was not found.
        problem: Why it cannot be used, as part of a sentence; empty if it was found once.
    """

    name: str
    label: str
    splits: tuple[str, ...]
    path: Path | None
    problem: str = ""

    @classmethod
    def found_at(
        cls, name: str, label: str, splits: tuple[str, ...], paths: Sequence[Path], searched: Path
    ) -> "Member":
        """Creates a member from the paths at which its clip was found.

        Args:
            name: Its name in the label file.
            label: Its class.
            splits: Its split in each fold.
            paths: Where it was found; not exactly one is a problem.
            searched: The folder that was searched.
        """
        if not paths:
            return cls(name, label, splits, None, f"missing: not in {searched}")
        if len(paths) > 1:
            problem = f"found {len(paths)} times: as {paths[0]} and {paths[1]}; keep one"
            return cls(name, label, splits, None, problem)
        return cls(name, label, splits, paths[0])


@dataclass(frozen=True)
class Members:
    """The clips of a data set by its label files.

    Args:
        classes: Class names in the official order.
        members: The clips, in the order of the label files.
        strays: Clips in the folders that no label file names.
        warnings: Sentences without a full stop.
    """

    classes: tuple[str, ...]
    members: tuple[Member, ...]
    strays: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
