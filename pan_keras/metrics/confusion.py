"""Which classes are taken for which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ConfusedPair:
    """Clips of class `truth` that were taken for class `predicted`."""

    truth: str
    predicted: str
    clips: int
    share: float


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts of clips, `(classes, classes)`: row = truth, column = prediction.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2).tolist()
        [[1, 1], [0, 1]]
    """
    cells = np.bincount(labels * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes)


def confused_pairs(
    confusion: np.ndarray, classes: Sequence[str], most: int = 10
) -> tuple[ConfusedPair, ...]:
    """The most frequent mistakes, first the pair with the most clips.

    Args:
        confusion: Counts, row = truth, column = prediction.
        classes: Names of the classes.
        most: Pairs to give at most.

    Returns:
        The pairs; `share` is the part of the true class's clips that went astray this way.
    """
    clips = confusion.sum(axis=1)
    mistakes = confusion - np.diag(confusion.diagonal())
    order = np.argsort(-mistakes, axis=None, kind="stable")[:most]
    pairs = [divmod(int(cell), len(classes)) for cell in order]
    return tuple(
        ConfusedPair(
            classes[truth],
            classes[predicted],
            int(mistakes[truth, predicted]),
            float(mistakes[truth, predicted] / clips[truth]),
        )
        for truth, predicted in pairs
        if mistakes[truth, predicted]
    )
