"""One labelled video."""

from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "val", "test")


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
