"""The optimizer updates weights like torch's SGD."""

import keras
import numpy as np
import pytest

from pan_keras.training.optimisation.momentum_sgd import MomentumSGD


def moved(optimizer, *gradients, start=(1.0, -2.0)):
    weight = keras.Variable(np.array(start, "float32"))
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    return weight.numpy()


def by_hand(rates, gradients, decay=0.0, rate_factor=1.0, decay_factor=1.0, start=(1.0, -2.0)):
    weight, velocity = np.array(start), np.zeros(2)
    for rate, gradient in zip(rates, gradients, strict=True):
        velocity = 0.9 * velocity + np.array(gradient) + decay * decay_factor * weight
        weight = weight - rate * rate_factor * velocity
    return weight


GRADIENTS = [[0.5, -1.0], [0.25, 0.5], [1.0, 1.0]]


def test_past_gradients_use_the_new_rate_when_it_drops():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.1, 0.01])
    expected = by_hand([0.1, 0.1, 0.01], GRADIENTS)
    np.testing.assert_allclose(moved(MomentumSGD(schedule), *GRADIENTS), expected, rtol=1e-6)
    keras_own = moved(keras.optimizers.SGD(schedule, momentum=0.9), *GRADIENTS)
    assert np.abs(keras_own - expected).max() > 0.01


def test_decay_is_part_of_the_velocity():
    optimizer = MomentumSGD(0.1, decay=0.2)
    expected = by_hand([0.1] * 3, GRADIENTS, decay=0.2)
    np.testing.assert_allclose(moved(optimizer, *GRADIENTS), expected, rtol=1e-6)


def test_multipliers_are_for_rate_and_decay():
    optimizer = MomentumSGD(0.1, decay=0.2, multipliers=[(5, 0.5)])
    expected = by_hand([0.1] * 3, GRADIENTS, decay=0.2, rate_factor=5, decay_factor=0.5)
    np.testing.assert_allclose(moved(optimizer, *GRADIENTS), expected, rtol=1e-6)


def test_clipping_does_not_affect_weight_decay():
    optimizer = MomentumSGD(0.1, decay=0.2, global_clipnorm=1.0)
    expected = by_hand([0.1], [[0.6, -0.8]], decay=0.2)
    np.testing.assert_allclose(moved(optimizer, [6.0, -8.0]), expected, rtol=1e-6)


def test_the_optimizer_is_restored_from_its_configuration():
    optimizer = MomentumSGD(0.1, momentum=0.5, decay=0.2, multipliers=[(5, 0)], global_clipnorm=20)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(twin, MomentumSGD)
    assert twin.get_config() == optimizer.get_config()
    np.testing.assert_array_equal(moved(twin, *GRADIENTS), moved(optimizer, *GRADIENTS))


def test_multipliers_must_fit_the_weights():
    with pytest.raises(ValueError, match="2 multipliers for 1 weights"):
        moved(MomentumSGD(0.1, multipliers=[(1, 1), (2, 0)]), GRADIENTS[0])
