"""Intervals against published values, and their coverage."""

from math import comb

import numpy as np
import pytest

from pan_keras.metrics import mean_interval, mean_of_proportions, wilson
from pan_keras.metrics.intervals import student_quantile


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        # Published examples: Newcombe 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_wilson_interval_has_its_known_values(successes, total, low, high):
    assert wilson(successes, total) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("total", [1, 7, 45, 100_000])
def test_wilson_interval_holds_the_estimate_and_stays_in_range(total):
    for successes in {0, 1, total // 2, total - 1, total}:
        low, high = wilson(successes, total)
        assert 0.0 <= low <= successes / total <= high <= 1.0
        assert low < high


def test_interval_of_one_class_is_wilsons():
    assert mean_of_proportions(np.array([8]), np.array([10])) == pytest.approx(wilson(8, 10))


def test_interval_of_equal_classes_is_that_of_all_their_clips():
    interval = mean_of_proportions(np.array([3, 5, 4]), np.array([5, 5, 5]))
    assert interval == pytest.approx(wilson(12, 15))


def test_a_small_class_widens_the_interval():
    even = mean_of_proportions(np.array([90, 90]), np.array([100, 100]))
    uneven = mean_of_proportions(np.array([171, 9]), np.array([190, 10]))
    assert uneven.high - uneven.low > 2 * (even.high - even.low)


def test_interval_keeps_a_width_where_every_clip_is_right():
    low, high = mean_of_proportions(np.array([5] * 9), np.array([5] * 9))
    assert 0.9 < low < 0.95
    assert high == 1.0


def test_interval_of_the_mean_class_has_its_nominal_coverage():
    random = np.random.default_rng(0)
    truth, totals = np.array([0.95, 0.9, 0.7, 0.8, 0.99]), np.array([5, 5, 4, 6, 5])
    intervals = [mean_of_proportions(random.binomial(totals, truth), totals) for _ in range(2000)]
    covered = np.mean([low <= truth.mean() <= high for low, high in intervals])
    assert 0.94 <= covered <= 0.99


def test_interval_of_a_mean_has_its_nominal_coverage():
    # With equally many clips per class, the mean is the share of all 45 clips.
    held = 0.0
    for right in range(46):
        low, high = mean_of_proportions(np.full(9, right / 9), np.full(9, 5))
        held += comb(45, right) * 0.9**right * 0.1 ** (45 - right) * (low <= 0.9 <= high)
    assert held == pytest.approx(0.959, abs=5e-4)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    # Published tables of Student's t, two-sided.
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (30, 2.042)],
)
def test_student_quantiles_are_those_of_the_tables(freedom, quantile):
    assert student_quantile(freedom) == pytest.approx(quantile, abs=5e-4)


def test_student_quantile_falls_to_that_of_the_normal_distribution():
    assert student_quantile(100_000) == pytest.approx(1.95999, abs=2e-5)


def test_interval_of_a_mean_needs_more_than_one_value_and_stays_in_range():
    assert mean_interval([0.5]) == (0.0, 1.0)
    assert mean_interval([0.98, 0.99, 1.0]).high == 1.0
    low, high = mean_interval([0.5, 0.7])
    assert (low, high) == pytest.approx((0.0, 1.0))  # 12.706 * 0.1 on both sides, clipped
