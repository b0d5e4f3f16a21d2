"""The moving average follows the weights, and can be swapped in for them."""

import keras
import numpy as np
import pytest

from pan_keras.training.optimisation.weight_average import WeightAverage


def weights(value):
    return [keras.Variable(np.full((2, 3), value, "float32"), name="w")]


def test_the_average_moves_by_one_minus_the_decay():
    tracked = weights(0.0)
    average = WeightAverage(tracked, 0.9)
    tracked[0].assign(np.full((2, 3), 10.0))
    average.update(10_000)
    np.testing.assert_allclose(average.variables[0].numpy(), 1.0, rtol=1e-5)
    average.update(10_000)
    np.testing.assert_allclose(average.variables[0].numpy(), 1.9, rtol=1e-5)


def test_the_average_depends_little_on_the_initial_weights():
    tracked = weights(0.0)
    average = WeightAverage(tracked, 0.999)
    tracked[0].assign(np.full((2, 3), 11.0))
    average.update(1)
    np.testing.assert_allclose(average.variables[0].numpy(), 9.0, rtol=1e-5)


def test_the_average_is_swapped_in_and_out():
    tracked = weights(3.0)
    average = WeightAverage(tracked, 0.9)
    tracked[0].assign(np.full((2, 3), 5.0))
    with pytest.raises(KeyError), average.in_place():
        np.testing.assert_array_equal(tracked[0].numpy(), np.full((2, 3), 3.0))
        raise KeyError
    np.testing.assert_array_equal(tracked[0].numpy(), np.full((2, 3), 5.0))
    np.testing.assert_array_equal(average.variables[0].numpy(), np.full((2, 3), 3.0))


def test_the_average_restarts_from_other_weights():
    tracked = weights(3.0)
    average = WeightAverage(tracked, 0.9)
    tracked[0].assign(np.full((2, 3), 5.0))
    average.restart()
    np.testing.assert_array_equal(average.variables[0].numpy(), np.full((2, 3), 5.0))
