"""Confusions are counted as a person counts them."""

import numpy as np

from pan_keras.metrics.confusion import confused_pairs, confusion_matrix


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
