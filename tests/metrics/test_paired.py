"""Paired tests and intervals against textbook values."""

from fractions import Fraction
from itertools import product
from math import comb, factorial

import numpy as np
import pytest

from pan_keras.metrics.paired import QUANTILE, PairedLoss, binomial_tail, holm, mcnemar


def test_mcnemar_is_the_two_sided_binomial_test():
    # Of 10 fair coins, 0, 1, 9 or 10 heads: 2 * (1 + 10) / 1024.
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(9, 1) == mcnemar(1, 9)
    assert mcnemar(0, 5) == pytest.approx(2 / 32)


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (1, 0), (3, 3), (7, 7)])
def test_mcnemar_without_evidence_is_one(only_first, only_second):
    assert mcnemar(only_first, only_second) == 1.0


def test_mcnemar_keeps_its_significance_level():
    """Equal classifiers differ at 0.05 in at most 5 % of cases."""
    for clips in (6, 10, 15):
        flips = [sum(flip) for flip in product((0, 1), repeat=clips)]
        wrong = sum(mcnemar(heads, clips - heads) < 0.05 for heads in flips)
        assert wrong / 2**clips <= 0.05


def test_large_counts_do_not_overflow():
    assert 0 < mcnemar(5000, 5400) < 1e-4
    assert mcnemar(0, 3000) == pytest.approx(0, abs=1e-300)


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.02]) == [0.02]
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def trinomial(clips, lost, gained):
    """Enumerates outcomes with their probabilities, given those of a single clip."""
    for lost_clips in range(clips + 1):
        for gained_clips in range(clips - lost_clips + 1):
            same = clips - lost_clips - gained_clips
            ways = factorial(clips) // (
                factorial(lost_clips) * factorial(gained_clips) * factorial(same)
            )
            chance = lost**lost_clips * gained**gained_clips * (1 - lost - gained) ** same
            yield PairedLoss(clips, lost_clips, gained_clips), ways * chance


@pytest.mark.parametrize("clips", [20, 45])
@pytest.mark.parametrize("discordant", [0.02, 0.1, 0.3])
def test_an_equally_good_model_is_rarely_refused(clips, discordant):
    outcomes = trinomial(clips, discordant / 2, discordant / 2)
    refused = sum(chance for loss, chance in outcomes if loss.beyond(1.0))
    assert refused < 0.06


@pytest.mark.parametrize(("lost", "gained"), [(0.1, 0.1), (0.2, 0.05), (0.3, 0.01), (0.02, 0.02)])
def test_each_bound_has_a_coverage_of_95_percent(lost, gained):
    truth = 100 * (lost - gained)
    below = above = 0.0
    for loss, chance in trinomial(30, lost, gained):
        low, high = loss.interval
        below += chance * (truth < low)
        above += chance * (truth > high)
    assert below < 0.075
    assert above < 0.075


@pytest.mark.parametrize(("clips", "lost", "gained"), [(45, 4, 1), (200, 15, 5), (30, 0, 6)])
def test_a_bound_is_the_root_of_the_score_at_the_quantile(clips, lost, gained):
    for bound, quantile in zip(
        PairedLoss(clips, lost, gained).interval, (QUANTILE, -QUANTILE), strict=True
    ):
        difference = bound / 100
        # Brute force maximum likelihood of the share gained, given the difference.
        share = np.linspace(max(0, -difference), (1 - difference) / 2, 200_002)[1:-1]
        likelihood = (
            lost * np.log(share + difference)
            + gained * np.log(share)
            + (clips - lost - gained) * np.log(1 - 2 * share - difference)
        )
        best = share[likelihood.argmax()]
        deviation = (clips * (2 * best + difference - difference**2)) ** 0.5
        assert (lost - gained - clips * difference) / deviation == pytest.approx(quantile, abs=1e-3)


@pytest.mark.parametrize("clips", [20, 45, 200, 25_000])
def test_where_no_clip_changes_the_bounds_are_those_of_no_event(clips):
    low, high = PairedLoss(clips, 0, 0).interval
    assert high == pytest.approx(100 * QUANTILE**2 / (clips + QUANTILE**2))
    assert low == pytest.approx(-high)
    # The exact bound of Clopper and Pearson for zero events.
    assert high == pytest.approx(100 * (1 - 0.05 ** (1 / clips)), rel=0.2)


@pytest.mark.parametrize(("lost", "gained"), [(1, 0), (2, 0), (3, 0), (5, 1), (15, 5), (2, 9)])
def test_the_interval_excludes_no_loss_where_mcnemars_statistic_is_significant(lost, gained):
    statistic = (lost - gained) / (lost + gained) ** 0.5
    low, high = PairedLoss(200, lost, gained).interval
    assert (low > 0) == (statistic > QUANTILE)
    assert low < (lost - gained) / 2 < high


@pytest.mark.parametrize(
    ("clips", "lost", "gained", "refused"),
    [
        (45, 1, 0, False),  # 2.2 points, a single clip
        (45, 0, 1, False),
        (45, 4, 0, True),
        (20, 17, 0, True),  # an unusable model
        (200, 2, 0, False),  # the limit itself
        (200, 10, 0, True),  # 5 points
        (200, 15, 5, True),
        (200, 20, 10, True),
        (25_000, 1250, 1000, False),  # the limit itself
        (25_000, 1350, 1000, True),  # 1.4 points, the interval is narrower than the limit
    ],
)
def test_losses_significantly_beyond_a_point_are_refused(clips, lost, gained, refused):
    assert PairedLoss(clips, lost, gained).beyond(1.0) is refused


@pytest.mark.parametrize("clips", [400, 2_000, 25_000])
@pytest.mark.parametrize("discordant", [0.005, 0.02, 0.1])
def test_on_enough_clips_all_above_the_limit_is_refused(clips, discordant):
    changed = int(clips * discordant)
    for lost in range(changed // 2, changed + 1):
        loss = PairedLoss(clips, lost, changed - lost)
        enough = loss.points - loss.interval[0] <= 1.0
        if enough and loss.points > 1.0:
            assert loss.beyond(1.0)


def test_clips_are_counted():
    first, second = np.array([1, 1, 1, 0, 0], bool), np.array([1, 0, 0, 1, 0], bool)
    loss = PairedLoss.of(first, second)
    assert loss == PairedLoss(clips=5, lost=2, gained=1)
    assert loss.points == pytest.approx(20)


@pytest.mark.parametrize(
    ("successes", "trials", "chance"),
    [(0, 7, 0.5), (3, 7, 0.25), (17, 20, 0.9), (160, 200, 0.9), (20, 20, 0.9), (0, 0, 0.9)],
)
def test_a_tail_is_the_sum_of_its_terms(successes, trials, chance):
    share = Fraction(chance)
    exact = sum(
        comb(trials, count) * share**count * (1 - share) ** (trials - count)
        for count in range(successes + 1)
    )
    assert binomial_tail(successes, trials, chance) == pytest.approx(float(exact), rel=1e-9)


def test_a_tail_without_randomness_is_zero_or_one():
    assert binomial_tail(19, 20, 1.0) == 0
    assert binomial_tail(20, 20, 1.0) == 1
    assert binomial_tail(0, 20, 0.0) == 1
