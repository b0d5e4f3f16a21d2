"""Losses are what their formulas say."""

import numpy as np
import pytest
import tensorflow as tf

from pan_keras.training.optimisation.losses import balanced_weights, cross_entropy

LOGITS = np.array([[2.0, 0.5, -1.0], [0.0, 1.0, 3.0], [1.0, 1.0, 1.0]], "float32")
LABELS = np.array([0, 1, 2], "int32")
SURPRISE = -tf.nn.log_softmax(LOGITS.astype("float64")).numpy()


def test_cross_entropy_is_the_mean_surprise():
    expected = SURPRISE[range(3), LABELS].mean()
    assert float(cross_entropy()(LABELS, LOGITS)) == pytest.approx(expected, rel=1e-6)


def test_smoothing_spreads_a_share_of_the_target_over_all_classes():
    expected = (0.9 * SURPRISE[range(3), LABELS] + 0.1 * SURPRISE.mean(axis=1)).mean()
    loss = cross_entropy(smoothing=0.1)
    assert float(loss(LABELS, LOGITS)) == pytest.approx(expected, rel=1e-6)


def test_class_weights_multiply_the_clips_of_their_class():
    weights = [0.5, 2.0, 3.0]
    expected = (SURPRISE[range(3), LABELS] * weights).mean()
    loss = cross_entropy(class_weights=weights)
    assert float(loss(LABELS, LOGITS)) == pytest.approx(expected, rel=1e-6)


def test_balanced_weights_let_all_classes_count_alike():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    weights = np.array(balanced_weights(labels, classes=4))
    totals = weights[:3] * [60, 30, 10]
    np.testing.assert_allclose(totals, totals.mean())
    assert weights[labels].mean() == pytest.approx(1.0)
    assert np.isfinite(weights).all()
