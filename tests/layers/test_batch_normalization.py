"""Batch normalisation has Keras's outputs and torch's statistics."""

import keras
import numpy as np
from layer_suite import check_layer

from pan_keras.layers import BatchNormalization


def maps():
    return np.random.default_rng(0).normal(1.0, 2.0, size=(2, 3, 4, 5)).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_layer(tmp_path):
    check_layer(BatchNormalization, maps(), (2, 3, 4, 5), tmp_path, trainable=2)


def test_outputs_are_those_of_keras():
    ours, theirs = BatchNormalization(), keras.layers.BatchNormalization(epsilon=1e-5)
    for training in (False, True):
        expected = array(theirs(maps(), training=training))
        actual = array(ours(maps(), training=training))
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_moving_statistics_are_those_of_torch():
    layer = BatchNormalization(momentum=0.9)
    layer(maps(), training=True)
    mean, variance = maps().mean(axis=(0, 1, 2)), maps().var(axis=(0, 1, 2), ddof=1)
    np.testing.assert_allclose(array(layer.moving_mean), 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(array(layer.moving_variance), 0.9 + 0.1 * variance, rtol=1e-5)


def test_a_frozen_layer_keeps_its_statistics():
    layer = BatchNormalization(trainable=False)
    np.testing.assert_allclose(array(layer(maps(), training=True)), maps(), rtol=1e-4)
    np.testing.assert_array_equal(array(layer.moving_mean), 0)


def test_half_precision_keeps_float32_statistics():
    layer = BatchNormalization(dtype="mixed_float16")
    output = layer(100 * maps(), training=True)
    assert keras.backend.standardize_dtype(output.dtype) == "float16"
    variance = (100 * maps()).var(axis=(0, 1, 2), ddof=1)
    np.testing.assert_allclose(array(layer.moving_variance), 0.9 + 0.1 * variance, rtol=1e-2)
