"""Calibrated probabilities, and the answer "unknown"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

UNKNOWN = "unknown"
LOWEST, HIGHEST = 0.001, 1000  # limits of the temperature


@dataclass(frozen=True)
class Confidence:
    """Converts logits to calibrated probabilities, and decides which answers are unknown.

    Args:
        temperature: Divides the logits before the softmax; 1 for an uncalibrated model. It does not
            change the ranking of the classes.
        threshold: The answer is unknown unless the largest probability exceeds it; None if every
            clip gets an answer.

    Raises:
        ValueError: If the temperature is not between 0.001 and 1,000, or the threshold not between
            0 and 1.

    Example:
        >>> confidence = Confidence(temperature=2.0, threshold=0.8)
        >>> shares = confidence.probabilities(np.array([2.0, 0.0]))
        >>> [round(float(share), 3) for share in shares]
        [0.731, 0.269]
        >>> confidence.label(shares, ("left", "right")), bool(confidence.is_known(shares))
        ('unknown', False)
        >>> confidence.rescaled(np.array([0.5, 0.5])).tolist()
        [0.5, 0.5]
        >>> Confidence.of({"temperature": 1.5, "threshold": None}).temperature
        1.5

    References:
        Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """

    temperature: float = 1.0
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not _is_number(self.temperature) or not LOWEST <= self.temperature <= HIGHEST:
            raise ValueError(
                f"the temperature {self.temperature!r:.60} is not a number from {LOWEST} to "
                f"{HIGHEST}"
            )
        if self.threshold is not None and (
            not _is_number(self.threshold) or not 0 <= self.threshold <= 1
        ):
            raise ValueError(f"the threshold {self.threshold!r:.60} is not a number from 0 to 1")

    @classmethod
    def of(cls, record: Mapping[str, Any] | None) -> "Confidence":
        """Creates a confidence from the record of a run or bundle.

        Args:
            record: A mapping with `temperature` and `threshold`, or None.

        Returns:
            The confidence; without a record, a temperature of 1 and no threshold.

        Raises:
            KeyError, TypeError, ValueError: If the record has a different form.

        Example:
            >>> Confidence.of({"temperature": 1.5, "threshold": None}).temperature
            1.5
        """
        if record is None:
            return cls()
        return cls(record["temperature"], record["threshold"])

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Computes calibrated probabilities.

        Args:
            logits: `(..., classes)`.

        Returns:
            `(..., classes)` float64, which add up to 1.
        """
        return softmax(np.asarray(logits, "float64") / self.temperature)

    def rescaled(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrates probabilities that were computed, or averaged, without a temperature.

        Their logarithms serve as logits, which keeps the ranking of the classes.

        Args:
            probabilities: `(..., classes)`.

        Returns:
            `(..., classes)` float64, which add up to 1.
        """
        if self.temperature == 1:
            return probabilities
        tiny = np.finfo("float64").tiny
        return self.probabilities(np.log(np.maximum(probabilities, tiny)))

    def is_known(self, probabilities: np.ndarray) -> np.ndarray:
        """Tells whether each clip has a known answer.

        Args:
            probabilities: Calibrated, `(..., classes)`.

        Returns:
            `(...)` booleans.
        """
        largest = np.asarray(probabilities).max(axis=-1)
        known: np.ndarray = np.asarray(self.threshold is None or largest > self.threshold)
        return np.broadcast_to(known, largest.shape)

    def label(self, probabilities: np.ndarray, labels: Sequence[str]) -> str:
        """Returns the answer for a clip.

        Args:
            probabilities: Calibrated, `(classes,)`.
            labels: Class names in the order of the logits.

        Returns:
            The most probable class, or `"unknown"`.
        """
        if not self.is_known(probabilities):
            return UNKNOWN
        return labels[int(np.argmax(probabilities))]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Computes the softmax over the last axis in double precision.

    Args:
        logits: `(..., classes)`.

    Returns:
        `(..., classes)` float64.

    Example:
        >>> softmax(np.array([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """
    powers = np.exp(logits.astype("float64") - logits.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


UNCALIBRATED = Confidence()
