"""Means over official folds."""

import pytest

from pan_keras.errors import UserError
from pan_keras.evaluation.fold_scores import FoldScore, FoldScores, evaluate_folds, protocol_of

SCORES = FoldScores(
    "ucf101",
    "test",
    "full",
    2,
    "mean_class",
    (
        FoldScore(1, "a", 3783, 0.90, 0.99, 0.89),
        FoldScore(2, "b", 3734, 0.92, 0.98, 0.91),
        FoldScore(3, "c", 3696, 0.94, 0.97, 0.93),
    ),
)


def test_mean_and_interval_are_over_folds():
    assert SCORES.mean("top1") == pytest.approx(0.92)
    # Student's t with two degrees of freedom: 4.30265 * 0.02 / sqrt(3).
    assert SCORES.interval("mean_class") == pytest.approx((0.91 - 0.0496828, 0.91 + 0.0496828))
    report = SCORES.to_json()
    assert report["top5"] == {"mean": SCORES.mean("top5"), "interval": [*SCORES.interval("top5")]}
    assert [fold["clips"] for fold in report["folds"]] == [3783, 3734, 3696]


def test_the_text_marks_the_metric_of_the_paper():
    lines = SCORES.to_text().splitlines()
    (marked,) = [line for line in lines if line.endswith("(as in the paper)")]
    assert marked.startswith("mean mean class  91.0%  (95 %: 86.0% to 96.0%)")


def test_runs_on_other_data_are_refused(run):
    with pytest.raises(UserError, match="was not trained on an official fold of a data set; train"):
        evaluate_folds([run.path])
    with pytest.raises(UserError, match="was not trained on a published data set, whose card has"):
        protocol_of(run.path)
