"""Tests of classifiers on the same clips give the textbook's numbers."""

from itertools import product

import pytest

from pan_keras.metrics.paired import holm, mcnemar


def test_mcnemar_is_the_two_sided_binomial_test():
    # Of 10 fair coins, 0, 1, 9 or 10 heads: 2 * (1 + 10) / 1024.
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(9, 1) == mcnemar(1, 9)
    assert mcnemar(0, 5) == pytest.approx(2 / 32)


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (1, 0), (3, 3), (7, 7)])
def test_mcnemar_sees_no_difference_where_there_is_none(only_first, only_second):
    assert mcnemar(only_first, only_second) == 1.0


def test_mcnemar_holds_its_level():
    """Equal classifiers are called different, at 0.05, in at most 5 of 100 cases."""
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
