"""Scores equal what a person works out on paper."""

from math import comb

import numpy as np
import pytest

from pan_keras.metrics.scores import mean_of_proportions, score, wilson

CLASSES = ["a", "b", "c", "d", "e", "f", "g"]


def guesses(*orders):
    """Probabilities that rank the classes of each clip in the given order."""
    rows = np.zeros((len(orders), len(CLASSES)))
    for row, order in zip(rows, orders, strict=True):
        row[[CLASSES.index(name) for name in order]] = np.arange(len(CLASSES), 0, -1)
    return rows / rows.sum(axis=1, keepdims=True)


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


def test_scores_by_hand():
    # Clips of a: right, right, taken for b. Clips of b: right. Clip of c: truth in sixth place.
    probabilities = guesses("abcdefg", "acbdefg", "bacdefg", "bacdefg", "gfedbca")
    scores = score(probabilities, np.array([0, 0, 0, 1, 2]), CLASSES)
    assert scores.top1 == pytest.approx(3 / 5)
    assert scores.top5 == pytest.approx(4 / 5)
    assert scores.mean_class == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores.intervals["top1"] == wilson(3, 5)
    assert scores.intervals["top5"] == wilson(4, 5)
    a, b, c, d = scores.per_class[:4]
    assert (a.name, a.clips, a.recall, a.precision) == ("a", 3, pytest.approx(2 / 3), 1.0)
    assert a.f1 == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))
    assert (b.clips, b.recall, b.precision, b.f1) == (1, 1.0, 0.5, pytest.approx(2 / 3))
    assert (c.clips, c.recall, c.precision, c.f1) == (1, 0.0, 0.0, 0.0)
    assert (d.clips, d.recall, d.precision, d.f1) == (0, 0.0, 0.0, 0.0)
    assert d.cells() == ("d", "0", "–", "–", "–")


def test_top5_of_few_classes_is_certain():
    scores = score(np.array([[0.7, 0.3], [0.6, 0.4]]), np.array([1, 1]), ["no", "yes"])
    assert scores.top1 == 0.0
    assert scores.top5 == 1.0
    assert scores.intervals["top5"] == (1.0, 1.0)


def test_equal_probabilities_are_not_counted_as_right_for_every_class():
    scores = score(np.full((7, 7), 1 / 7), np.arange(7), CLASSES)
    assert scores.top1 == pytest.approx(1 / 7)
    assert scores.top5 == pytest.approx(5 / 7)


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


def test_interval_of_the_mean_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    truth, totals = np.array([0.95, 0.9, 0.7, 0.8, 0.99]), np.array([5, 5, 4, 6, 5])
    intervals = [mean_of_proportions(random.binomial(totals, truth), totals) for _ in range(2000)]
    covered = np.mean([low <= truth.mean() <= high for low, high in intervals])
    assert 0.94 <= covered <= 0.99


def test_the_interval_of_the_mean_holds_the_truth_as_often_as_is_said():
    # With as many clips in each class, the mean is the share of all 45 clips.
    held = 0.0
    for right in range(46):
        low, high = mean_of_proportions(np.full(9, right / 9), np.full(9, 5))
        held += comb(45, right) * 0.9**right * 0.1 ** (45 - right) * (low <= 0.9 <= high)
    assert held == pytest.approx(0.959, abs=5e-4)
