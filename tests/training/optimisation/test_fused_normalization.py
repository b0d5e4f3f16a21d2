"""TensorFlow's fused kernel does what the plain operations do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pan_keras import models
from pan_keras.layers import BatchNormalization
from pan_keras.layers.batch_normalization import normalise_batch
from pan_keras.training.optimisation.fused_normalization import fused_normalise_batch
from pan_keras.training.optimisation.losses import cross_entropy
from pan_keras.training.optimisation.training_step import TrainingStep


@pytest.fixture
def arguments():
    generator = np.random.default_rng(0)
    maps = generator.normal(1.0, 2.0, size=(4, 6, 5, 8)).astype("float32")
    scale, offset = generator.normal(size=(2, 8)).astype("float32")
    return [tf.Variable(array) for array in (maps, scale, offset)]


def differentiate(kernel, arguments):
    with tf.GradientTape() as tape:
        output, mean, variance = kernel(*arguments, 1e-5)
        loss = tf.reduce_sum(tf.sin(output))
    return [output, mean, variance, *tape.gradient(loss, arguments)]


def test_results_and_gradients_agree(arguments):
    pairs = zip(
        differentiate(fused_normalise_batch, arguments),
        differentiate(normalise_batch, arguments),
        strict=True,
    )
    for fused, plain in pairs:
        np.testing.assert_allclose(fused.numpy(), plain.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_agrees(arguments, dtype):
    arguments[0] = tf.cast(arguments[0], dtype)
    for kernel in (fused_normalise_batch, normalise_batch):
        output, mean, variance = kernel(*arguments, 1e-5)
        assert output.dtype == dtype
        assert mean.dtype == variance.dtype == "float32"
        expected = normalise_batch(*arguments, 1e-5)[0]
        np.testing.assert_allclose(
            tf.cast(output, "float32"), tf.cast(expected, "float32"), atol=0.05
        )


def kernels(model):
    layers = [layer for _, layer in models.weighted_layers(model)]
    return {layer.kernel for layer in layers if isinstance(layer, BatchNormalization)}


def test_a_model_that_is_trained_uses_it_and_others_do_not():
    clip = {"classes": 2, "segments": 2, "stack": 2, "size": 16}
    trained, other = (models.create("pan_full_micro", **clip) for _ in range(2))
    optimizer = keras.optimizers.SGD()
    optimizer.build(trained.trainable_variables)
    TrainingStep(trained, optimizer, cross_entropy())
    assert kernels(trained) == {fused_normalise_batch}
    assert kernels(other) == {BatchNormalization().kernel} == {normalise_batch}
    twin = type(trained).from_config(trained.get_config())
    assert kernels(twin) == {normalise_batch}
