"""Gradients on the current backend, for tests."""

import keras
import numpy as np


def differentiate(layer, inputs, cotangent):
    """Differentiates sum(layer(inputs) * cotangent).

    Args:
        layer: A built layer or model; it runs in inference mode.
        inputs: Array.
        cotangent: Array of the output's shape.

    Returns:
        Gradients of the trainable weights, a list of arrays, and of the inputs, an array.
    """
    differ = {"tensorflow": with_tensorflow, "jax": with_jax, "torch": with_torch}
    weights, inputs = differ[keras.backend.backend()](layer, inputs, cotangent)
    return [keras.ops.convert_to_numpy(weight) for weight in weights], np.asarray(inputs)


def weighted_sum(output, cotangent):
    output = keras.ops.cast(output, "float32")
    return keras.ops.sum(output * keras.ops.convert_to_tensor(cotangent, "float32"))


def with_tensorflow(layer, inputs, cotangent):
    import tensorflow as tf

    inputs = tf.convert_to_tensor(inputs)
    variables = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = weighted_sum(layer(inputs), cotangent)
    *weights, inputs = tape.gradient(loss, [*variables, inputs])
    return weights, inputs


def with_jax(layer, inputs, cotangent):
    import jax

    fixed = [variable.value for variable in layer.non_trainable_variables]

    def loss(weights, inputs):
        return weighted_sum(layer.stateless_call(weights, fixed, inputs)[0], cotangent)

    weights = [variable.value for variable in layer.trainable_variables]
    return jax.jit(jax.grad(loss, argnums=(0, 1)))(weights, keras.ops.convert_to_tensor(inputs))


def with_torch(layer, inputs, cotangent):
    inputs = keras.ops.convert_to_tensor(inputs).requires_grad_()
    weighted_sum(layer(inputs), cotangent).backward()
    return [variable.value.grad for variable in layer.trainable_variables], inputs.grad
