"""Paired tests and intervals for two classifiers on the same clips."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

DOUBT = 0.05  # one-sided error probability
QUANTILE = 1.6448536269514722  # of the normal distribution, for `DOUBT`


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test of whether two classifiers are equally accurate.

    Clips that both or neither classify correctly are not informative. Under the null hypothesis,
    each of the others is equally likely to be correct for either classifier.

    Args:
        only_first: Clips that only the first classifies correctly.
        only_second: Clips that only the second classifies correctly.

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

    At a threshold of 0.05, the probability of any false positive among all tests is at most 5 %.

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
    """The loss of top-1 accuracy from one model to another on the same clips.

    Only clips that exactly one of the two classifies correctly are informative.

    Args:
        clips: Number of clips.
        lost: Clips that only the first model classifies correctly.
        gained: Clips that only the second model classifies correctly.

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
        """Counts the clips that exactly one of two models classifies correctly.

        Args:
            first: bool `(clips,)`, whether the first model is correct.
            second: bool `(clips,)`, whether the second model is correct.

        Returns:
            The counts.
        """
        return PairedLoss(len(first), int((first & ~second).sum()), int((second & ~first).sum()))

    @property
    def points(self) -> float:
        """Loss in percentage points."""
        return 100 * (self.lost - self.gained) / max(self.clips, 1)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Bounds of the loss in percentage points by Tango's score interval, 95 % to each side."""
        bounds = self._where_score_is(QUANTILE), self._where_score_is(-QUANTILE)
        return 100 * bounds[0], 100 * bounds[1]

    def beyond(self, limit: float) -> bool:
        """Whether the loss exceeds `limit` and is significant.

        One clip of 45 is 2.2 points, so a few clips cannot measure a loss of one point. A loss
        above the limit counts if the interval excludes 0, which on sufficiently many clips, where
        the interval is narrower than the limit, is always the case.

        Args:
            limit: Percentage points.

        Returns:
            True if the loss counts.
        """
        return self.points > limit and self.interval[0] > 0

    def to_json(self) -> dict[str, Any]:
        """The loss as recorded in `model.json`.

        Returns:
            Counts, and the interval in percentage points.
        """
        return {
            "clips": self.clips,
            "lost": self.lost,
            "gained": self.gained,
            "interval": [round(bound, 4) for bound in self.interval],
        }

    def _where_score_is(self, wanted: float) -> float:
        """The difference at which the decreasing score statistic takes a value, by bisection."""
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
        # Maximum likelihood of the share of gained clips, given the difference.
        root = math.sqrt(max(0.0, linear**2 + 8 * n * self.gained * spread))
        gained = (root - linear) / (4 * n)
        deviation = math.sqrt(max(n * (2 * gained + spread), 1e-300))
        return (self.lost - self.gained - n * difference) / deviation


def binomial_tail(successes: int, trials: int, chance: float) -> float:
    """The cumulative binomial probability: at most so many successes in independent trials.

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
