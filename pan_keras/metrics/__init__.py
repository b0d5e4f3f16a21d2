"""Accuracy, calibration, intervals, tests of differences: numbers in, numbers out."""

from pan_keras.metrics.calibration import (
    ReliabilityBin,
    calibration_error,
    fit_temperature,
    reliability,
    unknown_threshold,
)
from pan_keras.metrics.confidence import UNKNOWN, Confidence, softmax
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
from pan_keras.metrics.segments import Segment, SegmentScores

__all__ = [
    "UNKNOWN",
    "ClassScore",
    "Confidence",
    "ConfusedPair",
    "Interval",
    "PairedLoss",
    "ReliabilityBin",
    "Scores",
    "Segment",
    "SegmentScores",
    "binomial_tail",
    "calibration_error",
    "confused_pairs",
    "confusion_matrix",
    "fit_temperature",
    "holm",
    "mcnemar",
    "mean_interval",
    "mean_of_proportions",
    "reliability",
    "score",
    "softmax",
    "unknown_threshold",
    "wilson",
]
