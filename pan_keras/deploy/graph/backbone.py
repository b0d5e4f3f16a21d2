"""Rebuilds a trained backbone for inference, with batch normalisation folded into convolutions."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from pan_keras.layers import TemporalShift

Shift = Callable[[TemporalShift, Any, str], Any]
# Layers that may stand between a stem and its ReLU, which commutes with them.
POOLING = (layers.ZeroPadding2D, layers.MaxPooling2D)


def rebuild_backbone(backbone: keras.Model, maps: Any, shift: Shift, prefix: str = "") -> Any:
    """Applies copies of a backbone's layers, in float32 and with their own weights.

    Batch normalisation after a convolution is folded into its kernel and bias, which is exact
    except for rounding. A ReLU after a max-pool moves before it, to the convolution, where it costs
    nothing and relieves int8 of negative numbers.

    Args:
        backbone: A functional model that calls each of its layers once.
        maps: Symbolic input.
        shift: Applies a temporal shift to maps, in a layer of the given name.
        prefix: Prefix of the names of the new layers.

    Returns:
        The symbolic output.
    """
    followers = _followers(backbone)
    tensors = {id(backbone.input): maps}
    absorbed: set[str] = set()
    for operation in backbone.operations[1:]:
        inputs = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], operation.input)
        if operation.name in absorbed:
            output = inputs
        elif isinstance(operation, TemporalShift):
            output = shift(operation, inputs, prefix + operation.name)
        else:
            normalisation, activation = _what_folds_into(operation, followers)
            absorbed |= {each.name for each in (normalisation, activation) if each}
            if normalisation:
                output = _folded(operation, normalisation, inputs, prefix)
            else:
                output = apply_twin(operation, inputs, prefix + operation.name)
            if activation:
                output = apply_twin(activation, output, prefix + activation.name)
        tensors[id(operation.output)] = output
    return tensors[id(backbone.output)]


def apply_twin(operation: Any, inputs: Any, name: str) -> Any:
    """Applies a copy of a layer, in float32 and with the same weights.

    Args:
        operation: A built layer, or an operation of `keras.ops` in a functional model.
        inputs: Symbolic inputs.
        name: Name of the copy, if it is a layer.
    """
    if not isinstance(operation, keras.layers.Layer):
        return type(operation).from_config(operation.get_config())(inputs)
    twin = type(operation).from_config(_in_float32(operation) | {"name": name})
    output = twin(inputs)
    twin.set_weights(operation.get_weights())
    return output


def _in_float32(layer: keras.layers.Layer) -> dict[str, Any]:
    """Returns the configuration of a layer and its sublayers, in float32 instead of its policy."""
    policy = layer.dtype_policy.name

    def widened(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: widened(child) for key, child in value.items()}
        if isinstance(value, list):
            return [widened(child) for child in value]
        return "float32" if value == policy else value

    return widened(layer.get_config())


def _followers(model: keras.Model) -> dict[str, list[Any]]:
    """Maps the name of each layer to the layers that read its output."""
    producers = {id(layer.output): layer.name for layer in model.operations}
    readers = defaultdict(list)
    for layer in model.operations[1:]:
        for tensor in keras.tree.flatten(layer.input):
            readers[producers[id(tensor)]].append(layer)
    return readers


def _what_folds_into(layer: Any, followers: dict[str, list[Any]]) -> tuple[Any, Any]:
    """Returns the batch normalisation and the ReLU that a convolution absorbs; None for neither."""

    def sole_follower(layer: Any) -> Any:
        readers = followers[layer.name]
        return readers[0] if len(readers) == 1 else None

    if not isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
        return None, None
    normalisation = sole_follower(layer)
    linear = layer.activation is keras.activations.linear
    if not linear or not isinstance(normalisation, layers.BatchNormalization):
        return None, None
    activation = sole_follower(normalisation)
    while isinstance(activation, POOLING):
        activation = sole_follower(activation)
    return normalisation, activation if isinstance(activation, layers.ReLU) else None


def _folded(
    layer: layers.Conv2D | layers.DepthwiseConv2D,
    normalisation: layers.BatchNormalization,
    maps: Any,
    prefix: str,
) -> Any:
    """Applies a convolution with its batch normalisation folded into kernel and bias."""
    kernel = _numbers(layer.kernel)
    bias = _numbers(layer.bias) if layer.use_bias else np.zeros(())
    scale, offset = _affine(normalisation)
    # A depthwise kernel is (h, w, C, M), and its outputs are C * M channels.
    per_channel = isinstance(layer, layers.DepthwiseConv2D)
    kernel = kernel * scale.reshape(kernel.shape[2:] if per_channel else (-1,))
    config = _in_float32(layer) | {"name": prefix + layer.name, "use_bias": True}
    twin = type(layer).from_config(config)
    output = twin(maps)
    twin.set_weights([kernel, np.broadcast_to(bias * scale + offset, output.shape[-1:])])
    return output


def _affine(normalisation: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Returns batch normalisation in inference as a factor and an offset per channel."""
    mean = _numbers(normalisation.moving_mean)
    deviation = np.sqrt(_numbers(normalisation.moving_variance) + normalisation.epsilon)
    gamma = _numbers(normalisation.gamma) if normalisation.scale else 1.0
    beta = _numbers(normalisation.beta) if normalisation.center else 0.0
    return gamma / deviation, beta - mean * gamma / deviation


def _numbers(variable: keras.Variable) -> np.ndarray:
    return ops.convert_to_numpy(variable).astype("float64")
