"""Whether two classifiers differ, measured on the same clips."""

from collections.abc import Sequence
from math import comb


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
    tail = sum(comb(clips, count) for count in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**clips)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values made larger because there are several: Holm's step-down rule.

    Of all tests together, one or more is then wrongly below 0.05 in at most 5 of 100 cases.

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
