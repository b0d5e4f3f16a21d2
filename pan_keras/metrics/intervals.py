"""95 % confidence intervals of a proportion, of a mean of proportions, and of a mean."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

QUANTILE_95 = 1.959963984540054  # two-sided, of the normal distribution


class Interval(NamedTuple):
    """A 95 % confidence interval, as fractions.

    Args:
        low: Lower bound.
        high: Upper bound.

    Example:
        >>> Interval(0.49, 0.94).low
        0.49
    """

    low: float
    high: float


def wilson(successes: float, total: float) -> Interval:
    """Computes the Wilson score interval of a proportion.

    Unlike the normal approximation it stays within 0 and 1 and keeps a width when all clips are
    correct, both of which matter for test sets of a few dozen clips.

    Args:
        successes: Number of correct clips.
        total: Number of clips, at least one.

    Returns:
        The interval, within 0 and 1.

    Example:
        >>> [round(bound, 4) for bound in wilson(8, 10)]
        [0.4902, 0.9433]

    References:
        Wilson, "Probable inference, the law of succession, and statistical inference",
        Journal of the American Statistical Association 22, 1927.
    """
    share, z2 = successes / total, QUANTILE_95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    spread = share * (1 - share) / total + z2 / (4 * total**2)
    half = QUANTILE_95 * spread**0.5 / (1 + z2 / total)
    # Rounding must not move a bound past the estimate when no clip or every clip is correct.
    return Interval(min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share))


def mean_of_proportions(successes: np.ndarray, totals: np.ndarray) -> Interval:
    """Computes the interval of the mean of independent proportions, such as class accuracies.

    It is Wilson's interval of the mean with Kish's effective number of clips,
    `classes ** 2 / sum(1 / totals)`, which equals the number of clips if classes are balanced and
    is smaller otherwise. The usual stratified bootstrap never draws an error in a class whose few
    clips are all correct: for nine classes of five clips with an accuracy of 0.9, its 95 % interval
    covers the true value in 91 % of cases (4,000 draws of 1,000 resamples), and this one, without
    random numbers, in 95.9 % (summed over the binomial distribution).

    Args:
        successes: `(classes,)` numbers of correct clips.
        totals: `(classes,)` numbers of clips, at least one each.

    Returns:
        The interval, within 0 and 1.

    Example:
        >>> low, high = mean_of_proportions(np.array([8, 10]), np.array([10, 10]))
        >>> round(low, 3), round(high, 3)
        (0.699, 0.972)

    References:
        Kish, "Survey Sampling", 1965, for the effective number of unequally weighted samples.
    """
    effective = len(totals) ** 2 / (1 / totals).sum()
    return wilson(float((successes / totals).mean() * effective), float(effective))


def mean_interval(values: Sequence[float]) -> Interval:
    """Computes the interval of the mean of a few measurements in 0 to 1, by Student's t.

    Args:
        values: Measurements, such as the accuracy of each seed. For a single value the interval is
            0 to 1.

    Returns:
        The interval, within 0 and 1.

    Example:
        >>> [round(bound, 3) for bound in mean_interval([0.90, 0.92, 0.94])]
        [0.87, 0.97]
    """
    count, mean = len(values), statistics.fmean(values)
    if count == 1:
        return Interval(0.0, 1.0)
    half = student_quantile(count - 1) * statistics.stdev(values) / math.sqrt(count)
    return Interval(max(0.0, mean - half), min(1.0, mean + half))


def student_quantile(freedom: int) -> float:
    """Computes the two-sided 95 % quantile of Student's t distribution.

    It uses the finite series of the distribution function, which has no upper limit like a table
    and does not need SciPy.

    Args:
        freedom: Degrees of freedom, at least one.

    Example:
        >>> round(student_quantile(4), 3)
        2.776

    References:
        Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 and 26.7.4.
    """
    # Bisection over the angle whose tangent is t / sqrt(freedom).
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _share_within(middle, freedom) < 0.95 else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _share_within(angle: float, freedom: int) -> float:
    odd = freedom % 2
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    for power in range(1 + odd, freedom, 2):
        total += term
        term *= power / (power + 1) * math.cos(angle) ** 2
    share = math.sin(angle) * total
    return 2 / math.pi * (angle + share) if odd else share
