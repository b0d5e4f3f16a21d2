"""The norm over channels, and its gradient at zero."""

import keras
import numpy as np
from differentiate import differentiate
from layer_suite import check_layer

from pan_keras.layers import ChannelNorm


def maps(channels=3):
    return np.random.default_rng(0).normal(size=(2, 4, 5, channels)).astype("float32")


def test_layer(tmp_path):
    check_layer(ChannelNorm, maps(), (2, 4, 5, 1), tmp_path)


def test_values_are_those_of_numpy():
    norm = keras.ops.convert_to_numpy(ChannelNorm()(maps()))
    expected = np.linalg.norm(np.float64(maps()), axis=-1, keepdims=True)
    np.testing.assert_allclose(norm, expected, rtol=1e-6)


def test_the_gradient_where_all_is_zero_is_zero():
    inputs = maps()
    inputs[0] = 0
    layer = ChannelNorm()
    assert not keras.ops.convert_to_numpy(layer(inputs))[0].any()
    _, gradient = differentiate(layer, inputs, np.ones((2, 4, 5, 1), "float32"))
    np.testing.assert_array_equal(gradient[0], 0)
    expected = inputs[1] / np.linalg.norm(inputs[1], axis=-1, keepdims=True)
    np.testing.assert_allclose(gradient[1], expected, rtol=1e-5)


def test_large_values_do_not_overflow_in_half_precision():
    norm = ChannelNorm(dtype="mixed_float16")(np.full((1, 1, 1, 2), 3000, "float32"))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(norm)[0, 0, 0, 0], 4243, rtol=1e-3)
