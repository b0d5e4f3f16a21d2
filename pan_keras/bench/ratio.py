"""Computes the ratio of two times measured in the same rounds, with its interval."""

from collections.abc import Mapping

import numpy as np

SAMPLES = 2000
CONFIDENCE = 0.95


def ratio_of(
    times: Mapping[int, float], baseline: Mapping[int, float]
) -> tuple[float, float, float] | None:
    """Returns how many times as long the baseline takes, with a 95 % interval.

    Percentile bootstrap over the rounds, of the ratio of medians. Both times of a round are
    resampled together, since a slow moment of the machine affects both.

    Args:
        times: Seconds by number of the round.
        baseline: The baseline's seconds, for the same unit of work.

    Returns:
        Ratio, lower and upper end of the interval; None if there is no round in common.

    Example:
        >>> ratio_of({0: 1.0, 1: 1.1, 2: 0.9}, {0: 10.0, 1: 11.0, 2: 9.0})
        (10.0, 10.0, 10.0)
    """
    common = sorted(times.keys() & baseline.keys())
    if not common:
        return None
    pairs = np.array([(baseline[index], times[index]) for index in common])
    drawn = np.random.default_rng(0).integers(0, len(common), (SAMPLES, len(common)))
    above, below = np.median(pairs[drawn], axis=1).T
    whole = np.median(pairs, axis=0)
    margin = (1 - CONFIDENCE) / 2
    low, high = np.quantile(above / below, (margin, 1 - margin))
    return tuple(float(f"{value:.6g}") for value in (whole[0] / whole[1], low, high))  # type: ignore[return-value]
