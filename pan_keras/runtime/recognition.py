"""What a model says of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Recognition:
    """The answer for one clip.

    Args:
        labels: Class names in the order of the logits.
        logits: `(classes,)` float32.

    Example:
        >>> answer = Recognition(("left", "right"), np.array([2.0, 0.0]))
        >>> answer.label, round(answer.probability, 3)
        ('left', 0.881)
    """

    labels: Sequence[str]
    logits: np.ndarray

    @property
    def probabilities(self) -> np.ndarray:
        """Probability of each class, `(classes,)` float64."""
        return softmax(self.logits)

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.labels[int(self.logits.argmax())]

    @property
    def probability(self) -> float:
        """Probability of `label`."""
        return float(self.probabilities.max())

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities, the most probable first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[place], float(self.probabilities[place])) for place in order]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits, over the last axis, in double precision."""
    powers = np.exp(logits.astype("float64") - logits.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
