"""The deployment graph is a Keras model that can be trained, saved, modified and converted."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from deployed import clips, make
from keras import ops

from pan_keras.deploy.formats.tflite import convert
from pan_keras.deploy.graph.network import deployment_graph
from pan_keras.deploy.graph.precision import float_layers

LABELS = np.array([0, 1, 2, 3])


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def frames_of(some):
    return {"frames": some.reshape(-1, *some.shape[-3:])}


def step(graph, frames, length=0.01):
    """Takes a gradient step of a given length; returns the loss before it and the gradients."""
    with tf.GradientTape() as tape:
        loss = cross_entropy(graph, frames)
    gradients = tape.gradient(loss, graph.trainable_variables)
    optimizer = keras.optimizers.SGD(1.0, global_clipnorm=length)
    optimizer.apply(gradients, graph.trainable_variables)
    return float(loss), gradients


def cross_entropy(graph, frames):
    logits = graph(frames, training=True)["logits"]
    losses = keras.losses.sparse_categorical_crossentropy(LABELS, logits, from_logits=True)
    return ops.mean(losses)


@pytest.mark.parametrize("name", ["pan_lite_micro", "pan_full_micro"])
def test_a_step_of_training_moves_every_weight_and_lowers_the_loss(name):
    model = make(name)
    graph = deployment_graph(model, clips=None)
    frames = frames_of(clips(model))
    before, gradients = step(graph, frames)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    assert float(cross_entropy(graph, frames)) < before


def test_the_trained_graph_is_the_converted_one():
    model = make("pan_lite_micro")
    some = clips(model)
    trained = deployment_graph(model, clips=None)
    untrained = trained(frames_of(some))["logits"]
    step(trained, frames_of(some))
    expected = trained(frames_of(some))["logits"]
    assert np.abs(expected - untrained).max() > 1e-2
    one_clip = deployment_graph(model)
    one_clip.set_weights(trained.get_weights())
    runner = Interpreter(model_content=convert(one_clip)).get_signature_runner("serve")
    found = np.concatenate([runner(**frames_of(clip))["logits"] for clip in some])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@keras.saving.register_keras_serializable(package="tests")
class EightBits(keras.layers.Layer):
    """Rounds to 255 steps between the extremes, with a straight-through gradient."""

    def call(self, values):
        low, high = ops.min(values), ops.max(values)
        step = ops.maximum(high - low, 1e-6) / 255
        return values + ops.stop_gradient(ops.round((values - low) / step) * step + low - values)


def test_fake_quantisation_can_follow_each_layer_that_suits_int8():
    model = make("pan_lite_micro")
    graph = deployment_graph(model, clips=None)
    kept = float_layers(graph)
    rounded = []

    def call(layer, *arguments, **keywords):
        output = layer(*arguments, **keywords)
        if layer.name in kept or not isinstance(layer, keras.layers.Layer):
            return output
        rounded.append(layer.name)
        return EightBits()(output)

    quantised = keras.models.clone_model(graph, call_function=call)
    quantised.set_weights(graph.get_weights())
    assert {"pa_features", "normalisation", "conv1", "layer3_0_conv2", "aggregation"} < {*rounded}
    assert not {"pa_norm", "pa_layout", "classifier"} & {*rounded}
    frames = frames_of(clips(model))
    exact = graph(frames)["logits"]
    off = np.abs(quantised(frames)["logits"] - exact).max()
    assert 1e-3 < off < 0.2 * np.abs(exact).max()
    before, _ = step(quantised, frames)
    assert float(cross_entropy(quantised, frames)) < before


@pytest.mark.parametrize(
    ("name", "options", "form"),
    [
        ("pan_en_micro", {}, {"with_motion": True, "eight_bits": True}),
        ("pan_lite_micro", {"aggregation": "vip", "size": (31, 40)}, {"clips": None}),
        ("pan_lite_mobilenetv2", {"causal": True, "width": 0.35}, {"streaming": True}),
    ],
)
def test_is_saved_and_loaded(name, options, form, tmp_path):
    model = make(name, **options)
    graph = deployment_graph(model, **form)
    graph.save(tmp_path / "graph.keras")
    loaded = keras.saving.load_model(tmp_path / "graph.keras")
    generator = np.random.default_rng(0)
    rows = model.stack * (1 if form.get("streaming") else model.segments)
    inputs = {
        each.name: generator.uniform(0, 1, each.shape).astype("float32")
        for each in graph.inputs
        if each.name != "frames"
    }
    inputs["frames"] = generator.integers(0, 256, (rows, *model.size, 3)).astype("uint8")
    expected, found = graph(inputs), loaded(inputs)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)
