"""Scores and confusions against values computed by hand."""

import numpy as np
import pytest

from pan_keras.metrics import confused_pairs, confusion_matrix, score, wilson

CLASSES = ["a", "b", "c", "d", "e", "f", "g"]


def guesses(*orders):
    """Probabilities that rank the classes of each clip in the given order."""
    rows = np.zeros((len(orders), len(CLASSES)))
    for row, order in zip(rows, orders, strict=True):
        row[[CLASSES.index(name) for name in order]] = np.arange(len(CLASSES), 0, -1)
    return rows / rows.sum(axis=1, keepdims=True)


def test_scores_by_hand():
    # Clips of a: correct, correct, predicted as b. Clip of b: correct. Clip of c: ranked sixth.
    probabilities = guesses("abcdefg", "acbdefg", "bacdefg", "bacdefg", "gfedbca")
    scores = score(probabilities, np.array([0, 0, 0, 1, 2]), CLASSES)
    assert scores.top1 == pytest.approx(3 / 5)
    assert scores.top5 == pytest.approx(4 / 5)
    assert scores.mean_class == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores.intervals["top1"] == wilson(3, 5)
    assert scores.intervals["top5"] == wilson(4, 5)
    a, b, c, d = scores.per_class[:4]
    assert (a.name, a.clips, a.recall, a.precision) == ("a", 3, pytest.approx(2 / 3), 1.0)
    assert a.f1 == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))
    assert (b.clips, b.recall, b.precision, b.f1) == (1, 1.0, 0.5, pytest.approx(2 / 3))
    assert (c.clips, c.recall, c.precision, c.f1) == (1, 0.0, 0.0, 0.0)
    assert (d.clips, d.recall, d.precision, d.f1) == (0, 0.0, 0.0, 0.0)
    assert d.cells() == ("d", "0", "–", "–", "–")


def test_top5_of_few_classes_is_certain():
    scores = score(np.array([[0.7, 0.3], [0.6, 0.4]]), np.array([1, 1]), ["no", "yes"])
    assert scores.top1 == 0.0
    assert scores.top5 == 1.0
    assert scores.intervals["top5"] == (1.0, 1.0)


def test_equal_probabilities_are_not_counted_as_right_for_every_class():
    scores = score(np.full((7, 7), 1 / 7), np.arange(7), CLASSES)
    assert scores.top1 == pytest.approx(1 / 7)
    assert scores.top5 == pytest.approx(5 / 7)


def test_confusion_matrix_has_truth_in_rows():
    matrix = confusion_matrix(np.array([0, 0, 2]), np.array([0, 1, 1]), classes=3)
    assert matrix.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 0]]


def test_confused_pairs_come_by_number_of_clips_and_leave_out_the_right_ones():
    matrix = np.array([[9, 1, 0], [3, 1, 0], [0, 2, 2]])
    pairs = confused_pairs(matrix, ["x", "y", "z"])
    assert [(p.truth, p.predicted, p.clips, p.share) for p in pairs] == [
        ("y", "x", 3, 0.75),
        ("z", "y", 2, 0.5),
        ("x", "y", 1, 0.1),
    ]
    assert len(confused_pairs(matrix, ["x", "y", "z"], most=1)) == 1
