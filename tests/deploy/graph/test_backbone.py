"""Backbones of other people's making run as they are, with what can be folded folded."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pan_keras.deploy.graph.backbone import run_backbone


def unshifted(layer, maps):
    raise AssertionError("there is no shift")


def randomise(model):
    generator = np.random.default_rng(0)
    for weight in model.weights:
        low = 0.5 if weight.path.endswith(("variance", "gamma")) else -0.5
        weight.assign(generator.uniform(low, 1.5, weight.shape))
    return model


def check(model, folded=True):
    channels = model.input_shape[-1]
    maps = np.random.default_rng(1).normal(size=(2, 8, 9, channels)).astype("float32")
    function = tf.function(lambda maps: run_backbone(model, maps, unshifted))
    randomise(model)
    found = function(tf.constant(maps))
    np.testing.assert_allclose(found, model(maps, training=False), rtol=1e-4, atol=1e-4)
    # Normalisation that is not folded takes its deviation from the variance in the graph.
    graph = function.get_concrete_function(tf.constant(maps)).graph
    assert folded == ("Rsqrt" not in {operation.type for operation in graph.get_operations()})


def conv_then(*rest, **options):
    maps = keras.Input((8, 9, 3))
    x = layers.Conv2D(4, 3, **options)(maps)
    for layer in rest:
        x = layer(x)
    return keras.Model(maps, x)


@pytest.mark.parametrize("bias", [False, True])
def test_normalisation_is_folded_with_and_without_bias(bias):
    check(conv_then(layers.BatchNormalization(), layers.ReLU(), use_bias=bias))


def test_normalisation_without_scale_or_centre_is_folded():
    check(conv_then(layers.BatchNormalization(scale=False), strides=2, padding="same"))
    check(conv_then(layers.BatchNormalization(center=False)))


def test_depthwise_kernels_with_several_outputs_a_channel_are_folded():
    maps = keras.Input((8, 9, 3))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(maps)
    check(keras.Model(maps, layers.BatchNormalization()(x)))


def test_dilation_is_kept():
    check(conv_then(layers.BatchNormalization(), dilation_rate=2), folded=False)


def test_an_activation_in_the_convolution_is_kept():
    check(conv_then(layers.BatchNormalization(), activation="relu"), folded=False)


def test_groups_are_kept():
    maps = keras.Input((8, 9, 4))
    x = layers.Conv2D(4, 3, groups=2)(maps)
    check(keras.Model(maps, layers.BatchNormalization()(x)), folded=False)


def test_a_map_that_others_read_too_is_normalised_for_one_of_them():
    maps = keras.Input((8, 9, 3))
    x = layers.Conv2D(4, 3)(maps)
    check(keras.Model(maps, layers.Add()([layers.BatchNormalization()(x), x])), folded=False)


def test_relu_moves_before_the_pool_with_its_ceiling():
    rest = [layers.BatchNormalization(), layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)]
    check(conv_then(*rest, layers.ReLU(6.0)))


def test_a_leaky_relu_moves_as_well():
    rest = [layers.BatchNormalization(), layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)]
    check(conv_then(*rest, layers.ReLU(negative_slope=0.5)))
