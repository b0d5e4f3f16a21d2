"""Fitted temperatures and thresholds, and the calibration error, against brute force."""

import math

import numpy as np
import pytest

from pan_keras.metrics import (
    calibration_error,
    fit_temperature,
    reliability,
    softmax,
    unknown_threshold,
)
from pan_keras.metrics.calibration import PRIOR


def drawn(clips, classes=5, scale=3.0, temperature=2.0, seed=0):
    """Logits, and classes drawn from their softmax at a temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, scale, (clips, classes))
    shares = softmax(logits / temperature)
    return logits, np.array([random.choice(classes, p=row) for row in shares])


def loss(logits, labels, temperature):
    """Negative log-likelihood of the clips and of the prior, clip by clip."""
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        logs = [value / temperature for value in row]
        norm = math.log(sum(math.exp(value) for value in logs))
        total += norm - logs[label]
        own = [math.exp(value) / sum(map(math.exp, row)) for value in row]
        total += (
            PRIOR
            / len(labels)
            * sum(share * (norm - log) for share, log in zip(own, logs, strict=True))
        )
    return total


@pytest.mark.parametrize("clips", [10, 37, 200])
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_the_fitted_temperature_has_the_greatest_likelihood(clips, temperature):
    logits, labels = drawn(clips, temperature=temperature)
    fitted = fit_temperature(logits, labels)
    best = loss(logits, labels, fitted)
    for other in (0.99 * fitted, 1.01 * fitted, *np.geomspace(0.05, 20, 40)):
        assert loss(logits, labels, other) >= best


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 4.0])
def test_many_clips_recover_the_temperature_they_were_drawn_with(temperature):
    assert fit_temperature(*drawn(5000, temperature=temperature)) == pytest.approx(
        temperature, rel=0.05
    )


def test_a_dozen_correct_clips_do_not_lower_the_temperature_without_bound():
    logits = np.array([[1.0, 0.0, 0.0]] * 12)
    assert 0.4 < fit_temperature(logits, np.zeros(12, int)) < 1


def test_fewer_than_ten_clips_leave_the_temperature_at_one():
    logits, labels = drawn(9)
    assert fit_temperature(logits, labels) == 1
    assert fit_temperature(*drawn(10)) != 1


def test_constants_added_to_logits_change_nothing():
    logits, labels = drawn(30)
    shifted = logits + np.random.default_rng(3).normal(0, 1000, (30, 1))
    assert fit_temperature(shifted, labels) == pytest.approx(
        fit_temperature(logits, labels), rel=1e-9
    )


def test_temperatures_stay_within_their_bounds():
    logits = np.array([[1000.0, 0.0]] * 20)
    assert fit_temperature(logits, np.ones(20, int)) == pytest.approx(20)
    assert fit_temperature(logits, np.zeros(20, int)) >= 0.05


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_not_finite_are_refused(value):
    logits, labels = drawn(12)
    logits[3, 1] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        fit_temperature(logits, labels)


def test_a_model_with_constant_logits_has_no_temperature():
    with pytest.raises(ValueError, match="the same for every class"):
        fit_temperature(np.full((12, 3), 7.0), np.zeros(12, int))


def test_the_calibration_error_is_that_of_a_loop_over_the_clips():
    logits, labels = drawn(300)
    shares = softmax(logits)
    total = 0.0
    for number in range(10):
        rows = [row for row in range(300) if number / 10 < shares[row].max() <= (number + 1) / 10]
        right = sum(shares[row].argmax() == labels[row] for row in rows)
        total += abs(sum(shares[row].max() for row in rows) - right)
    assert calibration_error(shares, labels) == pytest.approx(total / 300, rel=1e-12)


def test_calibrating_lowers_the_error_of_an_overconfident_model():
    logits, labels = drawn(2000, temperature=3.0)
    fitted = fit_temperature(logits, labels)
    before, after = (calibration_error(softmax(logits / t), labels) for t in (1.0, fitted))
    assert before > 0.15
    assert after < 0.035


def test_every_clip_is_in_one_bin_and_the_edges_belong_to_the_lower():
    shares = np.array([[1.0, 0.0], [0.9, 0.1], [0.91, 0.09], [0.5, 0.5]])
    bins = reliability(shares, np.zeros(4, int))
    assert [each.clips for each in bins] == [0, 0, 0, 0, 1, 0, 0, 0, 1, 2]
    assert bins[-1].confidence == pytest.approx(0.955)
    assert bins[0].accuracy == 0


def brute_threshold(confidence, wrong, rate):
    """The lowest threshold among the confidences, and 0, that the rule allows."""
    for threshold in (0.0, *sorted(confidence)):
        alarms = sum(w and c > threshold for c, w in zip(confidence, wrong, strict=True))
        if (alarms + 1) / (len(confidence) + 1) <= rate + 1e-12:
            return threshold
    return None


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_answers_the_clips_that_the_lowest_allowed_one_does(rate, seed):
    random = np.random.default_rng(seed)
    confidence, wrong = random.uniform(0.2, 1, 40), random.random(40) < 0.3
    found = unknown_threshold(confidence, wrong, rate)
    lowest = brute_threshold(confidence, wrong, rate)
    assert lowest is not None
    np.testing.assert_array_equal(confidence > found, confidence > lowest)


def test_false_alarms_of_new_clips_are_as_rare_as_was_wanted():
    random, alarms = np.random.default_rng(0), 0.0
    for _ in range(4000):
        confidence, wrong = random.uniform(0, 1, 25), random.random(25) < 0.4
        threshold = unknown_threshold(confidence[:24], wrong[:24], rate=0.2)
        alarms += wrong[24] and confidence[24] > threshold
    # 5 / 25 at most in the mean, and exactly that where there are no ties.
    assert alarms / 4000 == pytest.approx(0.2, abs=0.02)


def test_negatives_alone_are_a_conformal_quantile():
    confidence = np.arange(1, 20) / 20
    found = unknown_threshold(confidence, np.ones(19, bool), rate=0.1)
    assert (confidence > found).sum() == 1


def test_too_few_clips_for_a_rate_are_refused_with_the_number_needed():
    nothing = np.zeros(18, bool)
    with pytest.raises(ValueError, match="needs 19 clips, there are 18"):
        unknown_threshold(np.full(18, 0.5), nothing, rate=0.05)
    assert unknown_threshold(np.full(19, 0.5), np.zeros(19, bool), rate=0.05) == 0


def test_wrong_clips_of_probability_one_leave_no_answer():
    confidence = np.ones(20)
    assert unknown_threshold(confidence, np.ones(20, bool), rate=0.05) == 1
