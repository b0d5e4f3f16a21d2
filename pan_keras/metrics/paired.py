"""Paired tests and intervals for two classifiers on the same clips."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

DOUBT = 0.05  # chance of being wrong that is put up with, to one side
QUANTILE = 1.6448536269514722  # of the normal distribution, for that chance


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test: how likely two equally good classifiers would differ as much.

    Clips that both or neither get right say nothing of the difference. If the classifiers are
    equally good, each of the others is as likely to be the first's as the second's.

    Args:
        only_first: Clips that the first alone gets right.
        only_second: Clips that the second alone gets right.

    Returns:
        The two-sided p-value.

    Example:
        >>> mcnemar(1, 9)
        0.021484375

    References:
        McNemar, "Note on the sampling error of the difference between correlated proportions or
        percentages", Psychometrika 12, 1947.
    """
    clips = only_first + only_second
    tail = sum(math.comb(clips, count) for count in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**clips)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusts p-values for multiple tests by Holm's step-down rule.

    Of all tests together, one or more is then wrongly below 0.05 in at most 5 of 100 cases.

    Args:
        p_values: One per test.

    Returns:
        The adjusted values, in the same order.

    Example:
        >>> holm([0.03, 0.01])
        [0.03, 0.02]

    References:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
        Statistics 6, 1979.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


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
        >>> loss.beyond(1.0)  # one clip of 45 may be chance
        False
        >>> PairedLoss.of(np.array([True, True]), np.array([True, False])).to_json()["lost"]
        1

    References:
        Tango, "Equivalence test and confidence interval for the difference in proportions for the
        paired-sample design", Statistics in Medicine 17, 1998.
    """

    clips: int
    lost: int
    gained: int

    @staticmethod
    def of(first: np.ndarray, second: np.ndarray) -> "PairedLoss":
        """Counts the clips that one of two models gets right.

        Args:
            first: bool `(clips,)`, whether the first model is right.
            second: bool `(clips,)`, whether the second is.

        Returns:
            The counts.
        """
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

        One clip of 45 is 2.2 points, so a few clips cannot measure a loss of one point. A loss
        above the limit counts where the interval excludes 0. On enough clips, where the interval
        reaches down from the measured loss by less than the limit, every loss above the limit
        counts.

        Args:
            limit: Points of a hundred.

        Returns:
            True where the loss counts.
        """
        return self.points > limit and self.interval[0] > 0

    def to_json(self) -> dict[str, Any]:
        """The loss as in `model.json`.

        Returns:
            Counts, and the interval in points of a hundred.
        """
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
    """The probability of so many successes or fewer in independent trials.

    Args:
        successes: 0 or more.
        trials: 0 or more.
        chance: Probability of a success, 0 to 1.

    Returns:
        The probability, 0 to 1.

    Example:
        >>> round(binomial_tail(1, 10, 0.5), 6)
        0.010742
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
