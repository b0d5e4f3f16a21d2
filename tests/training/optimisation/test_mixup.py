"""Blended clips: by shares that can be drawn again, with targets blended alike."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pan_keras.training.optimisation.losses import cross_entropy
from pan_keras.training.optimisation.mixup import Mixup
from pan_keras.training.optimisation.momentum_sgd import MomentumSGD
from pan_keras.training.optimisation.training_step import TrainingStep

CLASSES = 3


def test_shares_are_of_seed_step_and_part_alone():
    drawn = [Mixup(0.4, seed=7).share(step, part) for step in range(40) for part in range(2)]
    assert drawn == [
        Mixup(0.4, seed=7).share(step, part) for step in range(40) for part in range(2)
    ]
    assert len(set(drawn)) == len(drawn)
    assert drawn[0] != Mixup(0.4, seed=8).share(0)
    assert min(drawn) >= 0 and max(drawn) <= 1
    # Of a Beta distribution of 0.4 and 0.4: mean 1/2, variance 1 / (4 * 1.8).
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
