"""One labelled video."""

from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "val", "test")

_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Clip:
    """A video file, its class and the part of the data it belongs to.

    Args:
        path: The file.
        label: Number of its class.
        split: `"train"`, `"val"` or `"test"`.
    """

    path: Path
    label: int
    split: str


def split_of(word: str) -> str | None:
    """The split that a word means, in any case and with spaces around it; None if it means none.

    Example:
        >>> split_of("Validation")
        'val'
    """
    return _SPLIT_WORDS.get(word.strip().lower())
