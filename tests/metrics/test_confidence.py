"""Calibrated probabilities and the answer unknown."""

import numpy as np
import pytest

from pan_keras.metrics import UNKNOWN, Confidence, softmax


def test_softmax_is_that_of_float64_for_large_logits():
    found = softmax(np.array([[1000.0, 1001.0], [-1000.0, -1001.0]], "float32"))
    share = 1 / (1 + np.exp(-1.0))
    np.testing.assert_allclose(found, [[1 - share, share], [share, 1 - share]], rtol=1e-14)


def test_a_temperature_divides_the_logits():
    logits = np.array([3.0, 1.0, -2.0])
    np.testing.assert_allclose(
        Confidence(2.5).probabilities(logits), softmax(logits / 2.5), rtol=1e-15
    )


def test_probabilities_are_rescaled_as_if_their_logits_had_been():
    logits = np.random.default_rng(0).normal(0, 4, (5, 7))
    for temperature in (0.3, 1.0, 4.0):
        confidence = Confidence(temperature)
        np.testing.assert_allclose(
            confidence.rescaled(softmax(logits)), confidence.probabilities(logits), rtol=1e-12
        )


def test_a_probability_of_zero_stays_finite_when_rescaled():
    np.testing.assert_allclose(Confidence(2.0).rescaled(np.array([1.0, 0.0])), [1, 0], atol=1e-100)


@pytest.mark.parametrize("temperature", [0.1, 3.0])
def test_no_temperature_changes_the_order_of_the_classes(temperature):
    logits = np.random.default_rng(1).normal(0, 2, (50, 6))
    found = Confidence(temperature).probabilities(logits)
    np.testing.assert_array_equal(found.argsort(1), logits.argsort(1))


def test_an_answer_has_to_be_above_the_threshold_not_at_it():
    shares, labels = np.array([0.75, 0.25]), ("left", "right")
    assert Confidence(threshold=0.7499).label(shares, labels) == "left"
    assert Confidence(threshold=0.75).label(shares, labels) == UNKNOWN
    assert Confidence().label(shares, labels) == "left"


def test_every_answer_counts_at_a_threshold_of_zero_and_none_at_one():
    shares = np.array([[0.5, 0.5], [1.0, 0.0]])
    assert Confidence(threshold=0.0).is_known(shares).tolist() == [True, True]
    assert Confidence(threshold=1.0).is_known(shares).tolist() == [False, False]
    assert Confidence().is_known(shares).tolist() == [True, True]


@pytest.mark.parametrize(
    "temperature", [0, -1.0, 1e-4, 10**400, float("nan"), float("inf"), "1", None, True]
)
def test_a_temperature_outside_its_range_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        Confidence.of({"temperature": temperature, "threshold": None})


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "0.5", False])
def test_a_threshold_outside_zero_to_one_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        Confidence.of({"temperature": 1.0, "threshold": threshold})


def test_nothing_fitted_means_a_temperature_of_one_and_no_threshold():
    assert Confidence.of(None) == Confidence(1.0, None)
