"""The 95 % confidence interval of a proportion, such as an accuracy."""

from typing import NamedTuple

QUANTILE_95 = 1.959963984540054  # of the normal distribution, two-sided


class Interval(NamedTuple):
    """A 95 % confidence interval, as fractions."""

    low: float
    high: float


def wilson(successes: float, total: float) -> Interval:
    """The Wilson score interval of a proportion.

    Unlike the textbook interval it stays within 0 and 1, and it does not shrink to nothing when
    every clip is right: test sets of a few dozen clips need both.

    Args:
        successes: Clips that were right.
        total: All clips, at least one.

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
    # Rounding must not push the bound past the estimate where no clip, or every clip, is right.
    return Interval(min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share))
