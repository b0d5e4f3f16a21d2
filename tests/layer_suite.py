"""Checks common to all layers; a layer's own test adds its numbers."""

import keras
import numpy as np
from differentiate import differentiate

POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")


def check_layer(make, inputs, output_shape, folder, trainable=0):
    """Builds, calls, differentiates, trains, saves and casts a layer.

    Args:
        make: Function of keyword arguments that returns a new layer.
        inputs: Array, a valid input with its batch axis.
        output_shape: Expected shape of the output for `inputs`.
        folder: Empty folder to save in.
        trainable: Expected number of trainable weights.
    """
    layer = make()
    output = keras.ops.convert_to_numpy(layer(inputs))
    assert output.shape == output_shape
    assert np.isfinite(output).all()
    assert len(layer.trainable_weights) == trainable
    assert tuple(layer.compute_output_shape(inputs.shape)) == output_shape
    check_configuration(layer, inputs, output)
    check_gradients(layer, inputs, output_shape)
    check_dynamic_batch(make(), inputs, output_shape)
    check_training_and_saving(make(), inputs, folder)
    for policy in POLICIES:
        check_policy(make(dtype=policy), inputs, policy)


def check_configuration(layer, inputs, output):
    twin = type(layer).from_config(layer.get_config())
    twin.build(inputs.shape)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(twin(inputs)), output)


def check_gradients(layer, inputs, output_shape):
    weights, inputs = differentiate(layer, inputs, np.ones(output_shape, "float32"))
    for gradient in (*weights, inputs):
        assert np.isfinite(gradient).all()


def check_dynamic_batch(layer, inputs, output_shape):
    symbolic = keras.Input(inputs.shape[1:])
    output = layer(symbolic)
    assert output.shape == (None, *output_shape[1:])
    # A full batch and a partial one.
    thrice = np.concatenate([inputs] * 3)
    predicted = keras.Model(symbolic, output).predict(thrice, batch_size=2 * len(inputs), verbose=0)
    assert predicted.shape == (3 * output_shape[0], *output_shape[1:])


def check_training_and_saving(layer, inputs, folder):
    symbolic = keras.Input(batch_shape=inputs.shape)
    model = keras.Model(symbolic, keras.layers.Dense(1)(keras.layers.Flatten()(layer(symbolic))))
    model.compile("sgd", "mse")
    target = np.zeros(model.output_shape, "float32")
    history = model.fit(inputs, target, batch_size=len(inputs), epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    model.save(folder / "layer.keras")
    loaded = keras.saving.load_model(folder / "layer.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded.predict_on_batch(inputs), model.predict_on_batch(inputs))


def check_policy(layer, inputs, policy):
    output = layer(inputs)
    expected = keras.DTypePolicy(policy).compute_dtype
    assert keras.backend.standardize_dtype(output.dtype) == expected
    weights, gradient = differentiate(layer, inputs, np.ones(output.shape, "float32"))
    for array in (output, *weights, gradient):
        assert np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(array, "float32"))).all()


@keras.saving.register_keras_serializable(package="tests")
class OnParts(keras.layers.Layer):
    """Wraps a layer of several inputs, which are parts of a single input's channels."""

    def __init__(self, layer, channels, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        self.channels = list(channels)

    def parts(self, inputs):
        ends = np.cumsum(self.channels)[:-1].tolist()
        return keras.ops.split(inputs, ends, axis=-1)

    def call(self, inputs):
        return self.layer(self.parts(inputs))

    def compute_output_shape(self, input_shape):
        shapes = [(*input_shape[:-1], channels) for channels in self.channels]
        return self.layer.compute_output_shape(shapes)

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "channels": self.channels}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config.pop("layer"))
        return cls(layer, **config)
