"""One labelled video."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.printable import printable

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
    """A video file with its class and split.

    Args:
        path: The file.
        label: Index of its class.
        split: `"train"`, `"val"` or `"test"`.

    Example:
        >>> Clip(Path("videos/wave/a.mp4"), label=1, split="train").label
        1
    """

    path: Path
    label: int
    split: str


def split_of(word: str) -> str | None:
    """Returns the split that a word names, ignoring case and surrounding spaces, or None.

    Example:
        >>> split_of("Validation")
        'val'
    """
    return _SPLIT_WORDS.get(word.strip().lower())


LONGEST = 200
_SPACES = (
    "\t \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000\ufeff"
)


def checked_label(text: str, place: str) -> str:
    """Normalises a class name: strips surrounding spaces and composes Unicode characters.

    Args:
        text: The name in the source.
        place: Location in the source, which begins error messages.

    Returns:
        The normalised name: a single printable line.

    Raises:
        UserError: If it is empty, longer than 200 characters, or has a line break or another
            unprintable character.

    Example:
        >>> checked_label(" wave ", "list.csv, line 2")
        'wave'
    """
    label = unicodedata.normalize("NFC", text).strip(_SPACES)
    if not label:
        raise UserError(f"{place}: the label is empty; name the class")
    if len(label) > LONGEST:
        raise UserError(
            f"{place}: the label {label[:40]!r}... has {len(label)} characters; "
            f"shorten it to {LONGEST} or fewer"
        )
    wrong = next((character for character in label if printable(character) != character), None)
    if wrong is not None:
        what = "a line break" if wrong.splitlines() == [""] else f"the character {wrong!a}"
        raise UserError(f"{place}: the label {label!a} contains {what}; rename the class")
    return label


def ordered(labels: Iterable[str]) -> tuple[str, ...]:
    """Sorts class names into the order of their indices, which depends on the names alone.

    If all names are integers, they are sorted by value, and equal values (`1` and `01`) by text;
    otherwise by code point.

    Args:
        labels: Class names; duplicates are dropped.

    Example:
        >>> ordered(["10", "9", "1", "01"])
        ('01', '1', '9', '10')
    """
    names = set(labels)
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))
