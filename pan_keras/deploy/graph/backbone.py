"""A trained backbone as a function of maps, normalisation folded into its convolutions."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from pan_keras.layers import TemporalShift

Shift = Callable[[TemporalShift, tf.Tensor], tf.Tensor]
# What may stand between a stem and its ReLU: all of it lets the ReLU through.
POOLING = (layers.ZeroPadding2D, layers.MaxPooling2D)


def run_backbone(backbone: keras.Model, maps: tf.Tensor, shift: Shift) -> tf.Tensor:
    """Applies a backbone in inference mode, layer by layer.

    Batch normalisation behind a convolution is folded into its kernel and bias, which is exact but
    for rounding. A ReLU behind a max-pool moves in front of it, to the convolution, where it costs
    nothing, and where eight bits then need not hold negative numbers.

    Args:
        backbone: A functional model.
        maps: Its input.
        shift: Applies a temporal shift to maps.

    Returns:
        The backbone's output.
    """
    followers = consumers(backbone)
    tensors = {id(backbone.input): maps}
    absorbed: set[str] = set()
    for layer in backbone.operations[1:]:
        inputs = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], layer.input)
        if layer.name in absorbed:
            output = inputs
        else:
            normalisation, activation = what_follows(layer, followers)
            absorbed |= {each.name for each in (normalisation, activation) if each}
            with tf.name_scope(layer.name):
                output = apply(layer, normalisation, inputs, shift)
                output = activation(output) if activation else output
        tensors[id(layer.output)] = output
    return tensors[id(backbone.output)]


def apply(layer, normalisation, inputs, shift: Shift):
    """The output of a layer and the batch normalisation that it absorbs, if any."""
    if isinstance(layer, TemporalShift):
        return shift(layer, inputs)
    if is_plain_convolution(layer):
        return convolve(layer, normalisation, inputs)
    return layer(inputs)


def consumers(model: keras.Model) -> dict[str, list[Any]]:
    """The layers that read each layer's output, by the layer's name."""
    producers = {id(layer.output): layer.name for layer in model.operations}
    readers = defaultdict(list)
    for layer in model.operations[1:]:
        for tensor in keras.tree.flatten(layer.input):
            readers[producers[id(tensor)]].append(layer)
    return readers


def is_plain_convolution(layer) -> bool:
    """Whether a layer is a convolution that `convolve` can write down."""
    return (
        isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D)
        and layer.activation is keras.activations.linear
        and tuple(layer.dilation_rate) == (1, 1)
        and getattr(layer, "groups", 1) == 1
    )


def what_follows(convolution, followers) -> tuple[Any, Any]:
    """The batch normalisation and the ReLU that a convolution absorbs; None of other layers."""
    if not is_plain_convolution(convolution):
        return None, None

    def sole_follower(layer):
        readers = followers[layer.name]
        return readers[0] if len(readers) == 1 else None

    normalisation = sole_follower(convolution)
    if not isinstance(normalisation, layers.BatchNormalization):
        return None, None
    activation = sole_follower(normalisation)
    while isinstance(activation, POOLING):
        activation = sole_follower(activation)
    return normalisation, activation if isinstance(activation, layers.ReLU) else None


def convolve(layer, normalisation, maps: tf.Tensor) -> tf.Tensor:
    """A convolution with the batch normalisation behind it, as one operation with constants."""
    kernel = constant(layer.kernel)
    bias = constant(layer.bias) if layer.use_bias else np.zeros(())
    each = isinstance(layer, layers.DepthwiseConv2D)
    if normalisation is not None:
        scale, offset = affine(normalisation)
        kernel = kernel * scale.reshape(kernel.shape[2:] if each else (-1,))
        bias = bias * scale + offset
    function = tf.nn.depthwise_conv2d if each else tf.nn.conv2d
    strides = (1, *layer.strides, 1)
    output = function(maps, kernel.astype("float32"), strides, layer.padding.upper())
    return tf.nn.bias_add(output, np.broadcast_to(bias, output.shape[-1:]).astype("float32"))


def affine(normalisation: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Batch normalisation in inference, as a factor and an offset for each channel."""
    mean = constant(normalisation.moving_mean)
    deviation = np.sqrt(constant(normalisation.moving_variance) + normalisation.epsilon)
    gamma = constant(normalisation.gamma) if normalisation.scale else 1.0
    beta = constant(normalisation.beta) if normalisation.center else 0.0
    return gamma / deviation, beta - mean * gamma / deviation


def constant(variable: keras.Variable) -> np.ndarray:
    """The numbers of a variable, also while a function is being traced."""
    with tf.init_scope():
        return np.array(variable, "float64")
