"""Any Keras backbone is rebuilt with the same outputs, and with batch normalisation folded."""

import keras
import numpy as np
import pytest
from keras import layers

from pan_keras.deploy.graph.backbone import rebuild_backbone


def unshifted(layer, maps, name):
    raise AssertionError("there is no shift")


def randomise(model):
    generator = np.random.default_rng(0)
    for weight in model.weights:
        low = 0.5 if weight.path.endswith(("variance", "gamma")) else -0.5
        weight.assign(generator.uniform(low, 1.5, weight.shape))
    return model


def check(model, folded=True, close=1e-4):
    channels = model.input_shape[-1]
    randomise(model)
    inputs = keras.Input(batch_shape=(2, 8, 9, channels))
    rebuilt = keras.Model(inputs, rebuild_backbone(model, inputs, unshifted))
    maps = np.random.default_rng(1).normal(size=(2, 8, 9, channels)).astype("float32")
    np.testing.assert_allclose(rebuilt(maps), model(maps, training=False), rtol=close, atol=close)
    kinds = {type(layer) for layer in rebuilt.layers}
    assert folded == (layers.BatchNormalization not in kinds)
    assert {id(each) for each in rebuilt.weights}.isdisjoint(id(each) for each in model.weights)
    return rebuilt


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


def test_dilated_convolutions_are_folded():
    check(conv_then(layers.BatchNormalization(), dilation_rate=2))


def test_an_activation_in_the_convolution_is_kept():
    check(conv_then(layers.BatchNormalization(), activation="relu"), folded=False)


def test_convolutions_in_groups_are_folded():
    maps = keras.Input((8, 9, 4))
    x = layers.Conv2D(4, 3, groups=2)(maps)
    check(keras.Model(maps, layers.BatchNormalization()(x)))


def test_normalisation_is_not_folded_into_a_convolution_with_other_consumers():
    maps = keras.Input((8, 9, 3))
    x = layers.Conv2D(4, 3)(maps)
    check(keras.Model(maps, layers.Add()([layers.BatchNormalization()(x), x])), folded=False)


def test_relu_moves_before_the_pool_with_its_ceiling():
    rest = [layers.BatchNormalization(), layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)]
    rebuilt = check(conv_then(*rest, layers.ReLU(6.0)))
    assert isinstance(rebuilt.layers[2], layers.ReLU)


def test_a_leaky_relu_moves_as_well():
    rest = [layers.BatchNormalization(), layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)]
    check(conv_then(*rest, layers.ReLU(negative_slope=0.5)))


def test_operations_without_a_layer_run_as_they_are():
    maps = keras.Input((8, 9, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(maps))
    check(keras.Model(maps, keras.ops.mean(keras.ops.relu(x), axis=(1, 2))))


def test_half_precision_becomes_full():
    model = conv_then(layers.BatchNormalization(), dtype="mixed_float16")
    rebuilt = check(model, close=0.03)  # the original is the less accurate one
    assert {layer.compute_dtype for layer in rebuilt.layers} == {"float32"}
