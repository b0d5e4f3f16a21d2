"""Exported models are judged by their accuracy on a whole split."""

import numpy as np
import pytest

from pan_keras.deploy.gate.accuracy import (
    accuracy_doubt,
    accuracy_problem,
    accuracy_record,
    comparison_record,
)
from pan_keras.deploy.recipe import load_recipe

LABELS = ("down", "left", "right", "up")


def answers(clips, right, seed=0):
    """Makes true classes, and logits right on the first clips, by a margin of at least 4."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 4, clips)
    logits = generator.uniform(-1, 1, (clips, 4))
    given = np.where(np.arange(clips) < right, truth, (truth + 1) % 4)
    logits[np.arange(clips), given] += 6
    return truth, logits.astype("float32")


def judged(found, expected, truth, precision, exact=None, **limits):
    """Returns record, problem and doubt of an exported model under the default recipe."""
    record = accuracy_record(found, truth, LABELS, data="d", split="test")
    record |= comparison_record(found, expected, truth, LABELS, exact)
    allowed = load_recipe(overrides={precision: limits}).limits(precision)
    problem = accuracy_problem(record, allowed)
    return record, problem, None if problem else accuracy_doubt(record, allowed)


def with_wrong(logits, places):
    """Copies logits with the classes of some clips shifted by one."""
    found = logits.copy()
    found[places] = np.roll(found[places], 1, axis=-1)
    return found


def test_int8_that_loses_5_points_on_200_clips_is_refused():
    truth, expected = answers(200, right=190)
    found = with_wrong(expected, slice(0, 10))
    record, problem, _ = judged(found, expected, truth, "int8")
    assert problem == (
        "its top-1 accuracy on test is 90.0%, 5.0 points below the Keras model's, more than 1"
    )
    assert record["paired"]["lost"] == 10
    assert record["paired"]["interval"][0] > 1


@pytest.mark.parametrize("lost", range(10, 40, 3))
def test_5_points_on_200_clips_are_refused_however_many_clips_are_gained(lost):
    # The Keras model is wrong on the last clips; some of them become right.
    truth, expected = answers(200, right=160)
    found = with_wrong(expected, slice(0, lost))
    for place in range(160, 160 + lost - 10):
        found[place] = np.roll(found[place], -1)
    record, problem, _ = judged(found, expected, truth, "int8")
    assert record["drop"]["top1"] == pytest.approx(5)
    assert problem


@pytest.mark.parametrize("right", [20, 12, 7, 3])
def test_garbage_on_20_clips_is_refused(right):
    truth, expected = answers(20, right)
    found = np.random.default_rng(1).normal(size=(20, 4))
    assert judged(found, expected, truth, "int8")[1]


def test_one_clip_of_45_is_reported_as_a_doubt():
    truth, expected = answers(45, right=43)
    found = with_wrong(expected, [7])
    record, problem, doubt = judged(found, expected, truth, "int8")
    assert problem is None
    assert record["drop"]["top1"] == pytest.approx(100 / 45)
    assert doubt == (
        "its top-1 accuracy on test is 93.3%, 2.2 points below the Keras model's, more than 1; "
        "however, 1 clip lost and 0 gained of 45 may be chance (-3.6 to 9.4 points lost, 95 % to "
        "either side). More clips would decide"
    )
    assert judged(found, expected, truth, "int8", drop=3.0)[1:] == (None, None)


def test_a_model_without_loss_has_no_doubt():
    truth, expected = answers(45, right=43)
    assert judged(expected + 0.1, expected, truth, "int8")[1:] == (None, None)


def test_int8_that_changes_every_fifth_class_is_refused_though_accuracy_stays():
    # Wrong before and after, but with another class.
    truth, expected = answers(100, right=60)
    found = with_wrong(expected, slice(60, 80))
    record, problem, _ = judged(found, expected, truth, "int8")
    assert record["drop"]["top1"] == 0
    assert problem == "80.00% of test keep their most probable class, less than 90.0%"


def test_a_few_changed_classes_on_few_clips_are_reported_as_a_doubt():
    truth, expected = answers(20, right=10)
    found = with_wrong(expected, slice(10, 13))
    _, problem, doubt = judged(found, expected, truth, "int8")
    assert problem is None
    assert "85.00% of test keep their most probable class" in doubt


def test_float32_that_changes_a_class_is_refused_on_any_number_of_clips():
    truth, expected = answers(1000, right=900)
    # Clip 950 is wrong before and after, so the accuracy does not change.
    found = with_wrong(expected, [950])
    record, problem, _ = judged(found, expected, truth, "float32", exact=1e-5, difference=100)
    assert record["near_ties"] == {"margin": 2e-5, "clips": 0, "changed": 0}
    assert problem == "99.90% of test keep their most probable class, less than 100.0%"


def test_float32_may_change_a_class_where_rounding_decides():
    truth, expected = answers(1000, right=900)
    expected[5] = [1.0, 1.00001, 0, 0]
    expected[6] = [1.0, 1.001, 0, 0]
    found = expected.copy()
    found[5, 0] += 1.5e-5
    record, problem, doubt = judged(found, expected, truth, "float32", exact=1e-5)
    assert (problem, doubt) == (None, None)
    assert record["near_ties"] == {"margin": 2e-5, "clips": 1, "changed": 1}
    assert record["agreement"] == 0.999
    # With a margin above the rounding on the check clips, the same change is a problem.
    assert judged(found, expected, truth, "float32", exact=1e-6)[1]


@pytest.mark.parametrize("value", [2e-4, np.nan])
def test_a_logit_of_float32_that_is_off_on_one_clip_of_the_split_is_refused(value):
    truth, expected = answers(200, right=190)
    found = expected.copy()
    found[150, 1] += value
    assert "a logit on test is off by" in judged(found, expected, truth, "float32", exact=1e-5)[1]
