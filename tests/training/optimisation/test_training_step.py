"""The training step: fused normalisation against plain operations, and gradient accumulation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pan_keras import models
from pan_keras.layers import BatchNormalization
from pan_keras.layers.batch_normalization import normalise_batch
from pan_keras.training.optimisation.losses import cross_entropy
from pan_keras.training.optimisation.momentum_sgd import MomentumSGD
from pan_keras.training.optimisation.normalisation import fused_normalise_batch
from pan_keras.training.optimisation.training_step import TrainingStep
from pan_keras.training.optimisation.weight_average import WeightAverage


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


CLASSES = 3


def network(policy="float32"):
    """A network without batch normalisation, whose statistics depend on the parts of a batch."""
    keras.utils.set_random_seed(7)
    inputs = keras.Input((4, 5))
    hidden = keras.layers.Dense(8, activation="tanh", dtype=policy)(inputs)
    flat = keras.layers.Flatten(dtype=policy)(hidden)
    return keras.Model(inputs, keras.layers.Dense(CLASSES, dtype="float32")(flat))


def batch(clips):
    generator = np.random.default_rng(3)
    return (
        generator.normal(size=(clips, 4, 5)).astype("float32"),
        generator.integers(CLASSES, size=clips, dtype="int32"),
    )


def pieces(frames, labels, parts):
    both = zip(np.split(frames, parts), np.split(labels, parts), strict=True)
    return iter([(tf.constant(some), tf.constant(truth)) for some, truth in both])


def trained(
    parts=1, policy="float32", average=None, wrap=lambda optimizer: optimizer, clip=0.3, **options
):
    model = network(policy)
    optimizer = wrap(MomentumSGD(0.5, global_clipnorm=clip))
    optimizer.build(model.trainable_variables)
    following = WeightAverage(model.weights, average) if average else None
    step = TrainingStep(
        model, optimizer, cross_entropy(), parts=parts, average=following, **options
    )
    frames, labels = batch(12)
    figures = [step(pieces(frames, labels, parts)) for _ in range(3)]
    return figures, model.get_weights(), following


def assert_close(one, other, tolerance):
    for actual, expected in zip(one, other, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


# Also without clipping, which would hide a wrong scale of the gradients.
@pytest.mark.parametrize("clip", [0.3, None])
@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_make_the_step_of_the_batch(parts, clip):
    figures, weights, _ = trained(parts, clip=clip)
    expected_figures, expected, _ = trained(clip=clip)
    assert_close(weights, expected, 1e-6)
    assert_close(figures, expected_figures, 1e-6)
    assert figures[0][2] == 12
    assert figures[-1][0] < figures[0][0]


def test_averages_move_once_a_step_however_many_parts_it_has():
    one, four = (trained(parts, average=0.5)[2] for parts in (1, 4))
    assert_close(
        [variable.numpy() for variable in four.variables],
        [variable.numpy() for variable in one.variables],
        1e-6,
    )


@pytest.mark.parametrize("parts", [1, 2])
def test_xla_computes_the_same(parts):
    figures, weights, _ = trained(parts, jit=True)
    expected_figures, expected, _ = trained(parts)
    assert_close(weights, expected, 1e-5)
    assert_close(figures, expected_figures, 1e-5)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize(
    ("policy", "wrap"),
    [
        ("mixed_bfloat16", lambda optimizer: optimizer),
        ("mixed_float16", keras.optimizers.LossScaleOptimizer),
    ],
)
def test_half_precision_moves_full_weights_about_as_far(policy, wrap, parts):
    figures, weights, _ = trained(parts, policy=policy, wrap=wrap)
    expected_figures, expected, _ = trained()
    assert {weight.dtype for weight in weights} == {np.dtype("float32")}
    assert_close(weights, expected, 0.03)
    assert_close(figures, expected_figures, 0.03)
    assert any((one != other).any() for one, other in zip(weights, expected, strict=True))
