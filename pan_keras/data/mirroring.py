"""Judges from class names whether mirrored clips may keep their class."""

import re
from collections.abc import Sequence

# Words for a side or a sense of rotation, matched anywhere in a name.
ANYWHERE = ("left", "right", "clockwise", "左", "右", "лев", "прав")
# The same in other languages, matched at the beginning of a word.
BEGINNINGS = (
    "link",
    "recht",
    "gauche",
    "droit",
    "izquierd",
    "derech",
    "esquerd",
    "direit",
    "sinistr",
    "destra",
    "destro",
)
# Matched as whole words: abbreviations of sides, and signs that are not mirror-symmetric.
WORDS = frozenset(
    {
        *("l", "r", "lhs", "rhs", "cw", "ccw", "circlecw", "circleccw", "circlecc"),
        *("east", "west", "letter", "letters", "digit", "digits", "number"),
        *("tick", "check", "checkmark", "arrow", "spiral"),
    }
)
# Names that do not describe the class: a number, a letter, `class_3`.
OPAQUE = re.compile(
    r"\w|([a-z]|action|category|class|cls|gesture|label|sign)?[\W_]*\d+", re.IGNORECASE
)


def mirror_doubt(classes: Sequence[str]) -> str | None:
    """Returns a reason not to mirror clips of these classes, or None if the names give none.

    Args:
        classes: Names of the classes.

    Returns:
        Part of a sentence.

    Example:
        >>> mirror_doubt(["swipe left", "wave"])
        "'swipe left' may name a side"
        >>> mirror_doubt(["7", "wave"])
        "'7' does not describe the action"
        >>> mirror_doubt(["wave", "clap"]) is None
        True
    """
    for name in classes:
        if _names_a_side(name):
            return f"{name!r} may name a side"
        if OPAQUE.fullmatch(name.strip()):
            return f"{name!r} does not describe the action"
    return None


def _names_a_side(name: str) -> bool:
    lower = name.lower()
    if any(part in lower for part in ANYWHERE):
        return True
    # Words are separated by non-letters and by camel case.
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    return any(word in WORDS or word.startswith(BEGINNINGS) for word in words)
