"""Fits the temperature and the threshold of a classifier, and measures its calibration."""

import math
from typing import NamedTuple

import numpy as np

from pan_keras.metrics.confidence import softmax

FEWEST = 10  # minimum number of clips to fit a temperature
PRIOR = 10  # weight of the uncalibrated model, in clips
COLDEST, HOTTEST = 0.05, 20.0
BINS = 10


class ReliabilityBin(NamedTuple):
    """Clips whose largest probability is within a range.

    Args:
        low: Lower end of the range, exclusive.
        high: Upper end of the range, inclusive.
        clips: Number of clips.
        confidence: Mean of their largest probabilities; 0 without clips.
        accuracy: Share of them classified correctly; 0 without clips.

    Example:
        >>> ReliabilityBin(0.9, 1.0, clips=20, confidence=0.97, accuracy=0.9).clips
        20
    """

    low: float
    high: float
    clips: int
    confidence: float
    accuracy: float


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Fits a temperature by maximum a posteriori estimation.

    By maximum likelihood the temperature would tend to zero if every clip were classified
    correctly, as is usual with a dozen clips. Therefore 10 pseudo-clips with the class
    probabilities of the uncalibrated model are added, spread over the given clips. They keep the
    temperature near 1 for few clips, and are negligible for hundreds. The negative log-posterior is
    convex in 1 / temperature, so bisection of its slope finds the minimum.

    Args:
        logits: `(clips, classes)`, for clips that the model was not trained on.
        labels: `(clips,)` integers, the true classes.

    Returns:
        The temperature, from 0.05 to 20; 1 for fewer than 10 clips.

    Raises:
        ValueError: If a logit is not finite, or the logits of every clip are all equal.

    Example:
        >>> logits = np.array([[4.0, 0.0]] * 20)
        >>> sure = fit_temperature(logits, np.array([0] * 16 + [1] * 4))
        >>> round(sure, 2)
        2.2
    """
    logits = np.asarray(logits, "float64")
    if not np.isfinite(logits).all():
        raise ValueError("its logits are NaN or infinite")
    if len(logits) < FEWEST:
        return 1.0
    centred = logits - logits.max(axis=1, keepdims=True)
    if not centred.any():
        raise ValueError("its logits are the same for every class")
    truth = centred[np.arange(len(labels)), labels].sum()
    prior = PRIOR / len(labels)
    wanted = truth + prior * _expected(centred, 1.0)

    def slope(inverse: float) -> float:
        return (1 + prior) * _expected(centred, inverse) - wanted

    low, high = math.log(1 / HOTTEST), math.log(1 / COLDEST)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(math.exp(middle)) < 0 else (low, middle)
    return math.exp(-(low + high) / 2)


def reliability(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Computes a reliability diagram: the accuracy of a classifier by confidence.

    Args:
        probabilities: `(clips, classes)`.
        labels: `(clips,)` integers, the true classes.
        bins: Ranges of equal width from 0 to 1.

    Returns:
        One bin per range, in ascending order.

    Example:
        >>> probabilities = np.array([[0.95, 0.05], [0.95, 0.05]])
        >>> last = reliability(probabilities, np.array([0, 1]))[-1]
        >>> last.clips, round(last.confidence, 2), last.accuracy
        (2, 0.95, 0.5)
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for number in range(bins):
        own = place == number
        clips = int(own.sum())
        means = (float(confidence[own].mean()), float(right[own].mean())) if clips else (0.0, 0.0)
        found.append(ReliabilityBin(number / bins, (number + 1) / bins, clips, *means))
    return tuple(found)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Computes the expected calibration error.

    It is the mean over the clips of the difference between confidence and accuracy in their bin.
    With few clips it is biased upwards: about 0.05 to 0.1 for a perfectly calibrated model with 50
    clips.

    Args:
        probabilities: `(clips, classes)`.
        labels: `(clips,)` integers, the true classes.
        bins: Ranges of equal width from 0 to 1.

    Returns:
        The error, from 0 to 1.

    Example:
        >>> probabilities = np.array([[0.95, 0.05], [0.95, 0.05]])
        >>> round(calibration_error(probabilities, np.array([0, 1])), 2)
        0.45

    References:
        Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
        Binning", AAAI 2015.
    """
    found = reliability(probabilities, labels, bins)
    gaps = sum(each.clips * abs(each.confidence - each.accuracy) for each in found)
    return gaps / len(labels)


def unknown_threshold(confidence: np.ndarray, wrong: np.ndarray, rate: float) -> float:
    """Chooses the confidence threshold below which the answer is unknown.

    It uses conformal risk control. A false alarm is a clip with a wrong answer. If at most
    `rate * (n + 1) - 1` of n clips are false alarms, their probability on the next clip is at most
    `rate`, for any model and number of clips, if the next clip comes from the same distribution.

    Args:
        confidence: `(clips,)` largest probabilities.
        wrong: `(clips,)` booleans, whether the most probable class is wrong; true for all clips
            that show none of the classes.
        rate: Maximum probability of a false alarm, above 0 and below 1.

    Returns:
        The threshold, which the largest probability must exceed, halfway between two clips; 0 if
        every answer may be given.

    Raises:
        ValueError: If there are too few clips for such a rate.

    Example:
        >>> shares, wrong = np.linspace(0.5, 0.95, 10), np.arange(10) == 4
        >>> round(unknown_threshold(shares, wrong, rate=0.1), 3)
        0.725

    References:
        Angelopoulos, Bates, Fisch, Lei, Schuster, "Conformal Risk Control", ICLR 2024.
    """
    needed = clips_for_threshold(rate)
    if len(confidence) < needed:
        raise ValueError(f"a rate of {rate:g} needs {needed} clips, there are {len(confidence)}")
    # Tolerance for rounding when rate * (n + 1) is an integer.
    allowed = math.floor(rate * (len(confidence) + 1) + 1e-9) - 1
    mistakes = -np.sort(-confidence[wrong])
    if len(mistakes) <= allowed:
        return 0.0
    highest = mistakes[allowed]
    above = confidence[confidence > highest]
    return float((highest + (above.min() if len(above) else 1.0)) / 2)


def clips_for_threshold(rate: float) -> int:
    """Returns the number of clips that `unknown_threshold` needs for a rate of false alarms.

    Args:
        rate: Above 0 and below 1.
    """
    return math.ceil(1 / rate - 1e-9) - 1


def _expected(logits: np.ndarray, inverse: float) -> float:
    """Sums over the clips the mean logit under the softmax at an inverse temperature."""
    return float((softmax(inverse * logits) * logits).sum())
