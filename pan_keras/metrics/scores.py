"""Accuracy, confusions and per-class scores from the probabilities of a classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pan_keras.metrics.intervals import Interval, mean_of_proportions, wilson


@dataclass(frozen=True)
class ClassScore:
    """One row of the per-class table.

    Attributes:
        name: The class.
        clips: Clips of the class.
        recall: Share of them classified correctly, the accuracy of the class.
        precision: Share of the clips predicted as this class that belong to it.
        f1: Harmonic mean of precision and recall.

    Example:
        >>> ClassScore("left", clips=20, recall=0.9, precision=1.0, f1=0.947).cells()
        ('left', '20', '90.0%', '100.0%', '94.7%')
    """

    name: str
    clips: int
    recall: float
    precision: float
    f1: float

    def cells(self) -> tuple[str, ...]:
        """The row as text; a class without clips has no recall.

        Returns:
            Name, clips, recall, precision and F1.
        """
        shares = [f"{share:.1%}" for share in (self.recall, self.precision, self.f1)]
        if not self.clips:
            shares = ["–"] * len(shares)
        return (self.name, str(self.clips), *shares)


@dataclass(frozen=True)
class ConfusedPair:
    """Clips of one class that were predicted as another.

    Attributes:
        truth: Their class.
        predicted: The class predicted.
        clips: Number of clips.
        share: Their share of the true class's clips.

    Example:
        >>> ConfusedPair("left", "right", clips=2, share=0.1).predicted
        'right'
    """

    truth: str
    predicted: str
    clips: int
    share: float


@dataclass(frozen=True)
class Scores:
    """Accuracy over a set of clips, with 95 % intervals.

    Attributes:
        top1: Share of clips whose most probable class is the ground truth.
        top5: Share of clips with the ground truth among the five most probable classes.
        mean_class: Mean of the classes' accuracies, over the classes that have clips.
        intervals: The intervals of the three, by name.
        confusion: `(classes, classes)` counts, row = ground truth, column = prediction.
        per_class: One row per class, in order of the labels.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> scores = score(probabilities, np.array([0, 1]), ["left", "right"])
        >>> scores.top1, scores.confusion.tolist()
        (0.5, [[1, 0], [1, 0]])
    """

    top1: float
    top5: float
    mean_class: float
    intervals: dict[str, Interval]
    confusion: np.ndarray
    per_class: tuple[ClassScore, ...]


def score(probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Scores:
    """Scores a classifier's probabilities against the ground truth.

    Args:
        probabilities: `(clips, classes)`, one row per clip.
        labels: `(clips,)` integers, the true class of each clip.
        classes: Names of the classes, in order of the labels.

    Returns:
        The scores. With five classes or fewer, `top5` is 1 by definition and so is its interval.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> score(probabilities, np.array([0, 1]), ["left", "right"]).top1
        0.5
    """
    ranks = truth_ranks(probabilities, labels)
    confusion = confusion_matrix(labels, probabilities.argmax(axis=1), len(classes))
    first, fifth = int((ranks < 1).sum()), int((ranks < 5).sum())
    clips, right = confusion.sum(axis=1), confusion.diagonal()
    present = clips > 0
    return Scores(
        top1=first / len(labels),
        top5=fifth / len(labels),
        mean_class=float((right[present] / clips[present]).mean()),
        intervals={
            "top1": wilson(first, len(labels)),
            "top5": wilson(fifth, len(labels)) if len(classes) > 5 else Interval(1.0, 1.0),
            "mean_class": mean_of_proportions(right[present], clips[present]),
        },
        confusion=confusion,
        per_class=class_scores(confusion, classes),
    )


def truth_ranks(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rank of each clip's true class by descending probability, from 0.

    Ties go to the class with the lower number, as in `argmax`.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return (order == labels[:, None]).argmax(axis=1)


def class_scores(confusion: np.ndarray, classes: Sequence[str]) -> tuple[ClassScore, ...]:
    """Computes the per-class table of a confusion matrix; shares of zero clips are 0."""
    right, clips, given = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    recall = right / np.maximum(clips, 1)
    precision = right / np.maximum(given, 1)
    f1 = 2 * right / np.maximum(clips + given, 1)
    return tuple(
        ClassScore(name, int(clips[i]), float(recall[i]), float(precision[i]), float(f1[i]))
        for i, name in enumerate(classes)
    )


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts clips by ground truth and prediction.

    Args:
        labels: `(clips,)` numbers of the true classes.
        predicted: `(clips,)` numbers of the predicted classes.
        classes: Number of classes.

    Returns:
        `(classes, classes)`, row = ground truth, column = prediction.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2).tolist()
        [[1, 1], [0, 1]]
    """
    cells = np.bincount(labels * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes)


def confused_pairs(
    confusion: np.ndarray, classes: Sequence[str], most: int = 10
) -> tuple[ConfusedPair, ...]:
    """Lists the most frequent confusions, in descending order of clips.

    Args:
        confusion: `(classes, classes)` counts, row = ground truth, column = prediction.
        classes: Names of the classes.
        most: Maximum number of pairs.

    Returns:
        The pairs; `share` is the share of the true class's clips.

    Example:
        >>> confused_pairs(np.array([[8, 2], [0, 5]]), ["left", "right"])
        (ConfusedPair(truth='left', predicted='right', clips=2, share=0.2),)
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
