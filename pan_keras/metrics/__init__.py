"""Accuracy, confidence intervals, and paired tests of two classifiers."""

from pan_keras.metrics.intervals import Interval, mean_interval, mean_of_proportions, wilson
from pan_keras.metrics.paired import PairedLoss, binomial_tail, holm, mcnemar
from pan_keras.metrics.scores import (
    ClassScore,
    ConfusedPair,
    Scores,
    confused_pairs,
    confusion_matrix,
    score,
)

__all__ = [
    "ClassScore",
    "ConfusedPair",
    "Interval",
    "PairedLoss",
    "Scores",
    "binomial_tail",
    "confused_pairs",
    "confusion_matrix",
    "holm",
    "mcnemar",
    "mean_interval",
    "mean_of_proportions",
    "score",
    "wilson",
]
