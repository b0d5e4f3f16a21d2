"""Losses against their formulas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pan_keras.training.optimisation.losses import Mixup, balanced_weights, cross_entropy
from pan_keras.training.optimisation.momentum_sgd import MomentumSGD
from pan_keras.training.optimisation.training_step import TrainingStep

LOGITS = np.array([[2.0, 0.5, -1.0], [0.0, 1.0, 3.0], [1.0, 1.0, 1.0]], "float32")
LABELS = np.array([0, 1, 2], "int32")
SURPRISE = -tf.nn.log_softmax(LOGITS.astype("float64")).numpy()


def test_cross_entropy_is_the_mean_negative_log_probability():
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


def test_balanced_weights_give_all_classes_equal_weight():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    weights = np.array(balanced_weights(labels, classes=4))
    totals = weights[:3] * [60, 30, 10]
    np.testing.assert_allclose(totals, totals.mean())
    assert weights[labels].mean() == pytest.approx(1.0)
    assert np.isfinite(weights).all()


CLASSES = 3


def test_mixing_shares_depend_only_on_seed_step_and_part():
    drawn = [Mixup(0.4, seed=7).share(step, part) for step in range(40) for part in range(2)]
    assert drawn == [
        Mixup(0.4, seed=7).share(step, part) for step in range(40) for part in range(2)
    ]
    assert len(set(drawn)) == len(drawn)
    assert drawn[0] != Mixup(0.4, seed=8).share(0)
    assert min(drawn) >= 0 and max(drawn) <= 1
    # Beta(0.4, 0.4) has mean 1/2 and variance 1 / (4 * 1.8).
    assert np.mean(drawn) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 7.2 / len(drawn)))


@pytest.mark.parametrize("clips", [1, 2, 5])
def test_clips_are_blended_with_those_at_the_mirrored_place(clips):
    frames = np.random.default_rng(1).integers(256, size=(clips, 2, 3, 3), dtype="uint8")
    blended = Mixup.blend(frames, tf.constant(0.7)).numpy()
    wanted = 0.7 * frames.astype("float64") + 0.3 * frames[::-1].astype("float64")
    np.testing.assert_allclose(blended, wanted, atol=1e-4)
    np.testing.assert_array_equal(Mixup.blend(frames, tf.constant(1.0)), frames)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_step_goes_down_the_loss_of_blended_targets(parts):
    generator = np.random.default_rng(3)
    frames = generator.normal(size=(8, 5)).astype("float32")
    labels = generator.integers(CLASSES, size=8, dtype="int32")
    before = generator.normal(size=(5, CLASSES)).astype("float32")
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(CLASSES, use_bias=False)])
    model.set_weights([before])
    optimizer = MomentumSGD(0.5)
    optimizer.build(model.trainable_variables)
    mixup = Mixup(0.4, seed=2)
    step = TrainingStep(model, optimizer, cross_entropy(), parts=parts, mixup=mixup)
    pieces = list(zip(np.split(frames, parts), np.split(labels, parts), strict=True))
    loss, correct, clips = step(iter([(tf.constant(x), tf.constant(y)) for x, y in pieces]))

    losses, gradients, hits = [], [], 0
    for part, (x, y) in enumerate(pieces):
        share = mixup.share(0, part)
        blended = share * x + (1 - share) * x[::-1]
        targets = np.eye(CLASSES)[y]
        targets = share * targets + (1 - share) * targets[::-1]
        scores = np.exp(blended @ before)
        scores /= scores.sum(axis=1, keepdims=True)
        losses.append(-(targets * np.log(scores)).sum(axis=1).mean())
        gradients.append(blended.T @ (scores - targets) / len(x))
        hits += np.sum(scores.argmax(axis=1) == (y if share >= 0.5 else y[::-1]))
    assert loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert (correct, clips) == (hits, 8)
    (after,) = model.get_weights()
    np.testing.assert_allclose(after, before - 0.5 * np.mean(gradients, axis=0), atol=1e-6)
