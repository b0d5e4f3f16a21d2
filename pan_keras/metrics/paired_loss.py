"""How much accuracy a model lost against another on the same clips, and how sure that is."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

DOUBT = 0.05  # chance of being wrong that is put up with, to one side
QUANTILE = 1.6448536269514722  # of the normal distribution, for that chance


@dataclass(frozen=True)
class PairedLoss:
    """Top-1 accuracy lost between two models that saw the same clips.

    Only the clips that one of the two alone gets right tell anything of the difference.

    Args:
        clips: All clips.
        lost: Clips that the first model alone gets right.
        gained: Clips that the second model alone gets right.

    Example:
        >>> loss = PairedLoss(clips=45, lost=1, gained=0)
        >>> round(loss.points, 1), [round(bound, 1) for bound in loss.interval]
        (2.2, [-3.6, 9.4])

    References:
        Tango, "Equivalence test and confidence interval for the difference in proportions for the
        paired-sample design", Statistics in Medicine 17, 1998.
    """

    clips: int
    lost: int
    gained: int

    @staticmethod
    def of(first: np.ndarray, second: np.ndarray) -> "PairedLoss":
        """Counts, from whether each model is right on each clip: two bool `(clips,)`."""
        return PairedLoss(len(first), int((first & ~second).sum()), int((second & ~first).sum()))

    @property
    def points(self) -> float:
        """Points of a hundred that are lost."""
        return 100 * (self.lost - self.gained) / max(self.clips, 1)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Points lost at least and at most, by Tango's score interval: 95 % to either side."""
        bounds = self._where_score_is(QUANTILE), self._where_score_is(-QUANTILE)
        return 100 * bounds[0], 100 * bounds[1]

    def beyond(self, limit: float) -> bool:
        """Whether more than `limit` points are lost, and the loss is not chance.

        A few clips cannot measure a point: one clip of 45 is 2.2. So a loss above the limit counts
        where the interval excludes that nothing is lost. On enough clips, that is where the
        interval reaches down from the measured loss by less than the limit, every loss above the
        limit counts.
        """
        return self.points > limit and self.interval[0] > 0

    def to_json(self) -> dict[str, Any]:
        """As `model.json` has it."""
        return {
            "clips": self.clips,
            "lost": self.lost,
            "gained": self.gained,
            "interval": [round(bound, 4) for bound in self.interval],
        }

    def _where_score_is(self, wanted: float) -> float:
        """The difference at which the score statistic, which falls, has a value; by bisection."""
        low, high = -1.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self._score(middle) > wanted else (low, middle)
        return (low + high) / 2

    def _score(self, difference: float) -> float:
        """The score statistic of a difference of the two accuracies."""
        n, spread = max(self.clips, 1), difference * (1 - difference)
        linear = 2 * n * difference - (self.lost - self.gained) * difference
        linear -= self.lost + self.gained
        # The most likely share of clips gained, if that were the difference.
        root = math.sqrt(max(0.0, linear**2 + 8 * n * self.gained * spread))
        gained = (root - linear) / (4 * n)
        deviation = math.sqrt(max(n * (2 * gained + spread), 1e-300))
        return (self.lost - self.gained - n * difference) / deviation


def binomial_tail(successes: int, trials: int, chance: float) -> float:
    """The probability of so many successes or fewer.

    Args:
        successes: 0 or more.
        trials: 0 or more.
        chance: Of a success, 0 to 1.

    Example:
        >>> binomial_tail(1, 10, 0.5)
        0.0107421875
    """
    if not 0 < chance < 1 or successes >= trials:
        return float(successes >= trials or chance <= 0)
    log_success, log_failure = math.log(chance), math.log1p(-chance)
    total = math.lgamma(trials + 1)
    terms = [
        total
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
        + count * log_success
        + (trials - count) * log_failure
        for count in range(successes + 1)
    ]
    return min(1.0, math.fsum(map(math.exp, terms)))
