"""Operator versions equal those that TensorFlow's converter gives to the same operators."""

import tempfile
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.schema_py_generated import TensorType
from deployed import clips, make, run
from keras import layers, ops

from pan_keras.deploy.formats.flatbuffer import operator_name, read_tflite, write_tflite
from pan_keras.deploy.formats.operator_versions import METADATA, RELEASES, RULES, raise_versions
from pan_keras.deploy.formats.tflite import input_specs, to_tflite

INT8 = TensorType.INT8
OLDEST = b"1.5.0".ljust(16, b"\0")


def plain_graph():
    """Makes a graph with the operators of exported models, with at most four axes."""
    frames = keras.Input((8, 8, 4), batch_size=2, name="frames")
    some = layers.Conv2D(32, 3, padding="same", name="convolution")(frames)
    some = layers.DepthwiseConv2D(9, padding="same", name="depthwise")(some)
    some = ops.sqrt(ops.maximum(some, some * 0.5) + 1.0)
    some = layers.MaxPooling2D(2, name="most")(some) - some[:, ::2, ::2]
    some = ops.transpose(ops.pad(some, [[0, 0], [1, 1], [0, 0], [0, 0]]), (0, 2, 1, 3))[:, 1:]
    flat = ops.concatenate([ops.mean(some, (1, 2)), ops.sum(some, (1, 2))], axis=1)
    flat = ops.softmax(layers.Dense(48, name="dense")(flat))
    flat = ops.reshape(ops.stack([flat, flat * 2.0], axis=1), (2, 96))
    scores = layers.Dense(32, use_bias=False, name="scores")(flat)
    return keras.Model({"frames": frames}, {"logits": scores}, name="plain")


def special_graph():
    """Makes a graph that needs newer versions: groups, dilation, five axes."""
    frames = keras.Input((8, 8, 4), batch_size=2, name="frames")
    some = layers.Conv2D(32, 3, padding="same", groups=2, name="grouped")(frames)
    some = layers.DepthwiseConv2D(3, padding="same", dilation_rate=2, name="dilated")(some)
    some = ops.reshape(some, (2, 2, 4, 8, 32))
    some = ops.transpose(ops.pad(some, [[0, 0], [1, 0], [0, 0], [0, 0], [0, 0]]), (0, 2, 1, 3, 4))
    some = ops.maximum(some[:, :1], some[:, :, :1]) - some[:, :, :1]
    scores = ops.mean(some, (1, 2, 3))
    return keras.Model({"frames": frames}, {"logits": scores}, name="special")


def by_tensorflow(graph, kind):
    """Converts with TensorFlow, which also quantises."""
    module = tf.Module()
    module.serve = tf.function(lambda **inputs: graph.call(inputs, False), autograph=False)
    concrete = module.serve.get_concrete_function(**input_specs(graph))
    module.captured = list(concrete.variables)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve"])
        if kind != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if kind == "int8":
            frames = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
            converter.representative_dataset = lambda: iter([("serve", {"frames": frames})])
        return converter.convert()


def versions(content):
    """Returns the version of each kind of operator in use, and the release in the metadata."""
    model = read_tflite(content)
    found = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            name, _ = operator_name(model, operator)
            found[name] = model.operatorCodes[operator.opcodeIndex].version
    return found, released(content)


def released(content):
    """Returns the release in a file's metadata."""
    model = read_tflite(content)
    (entry,) = (entry for entry in model.metadata if entry.name == METADATA)
    return bytes(model.buffers[entry.buffer].data).rstrip(b"\0").decode()


def lowered(content):
    """Resets all versions of a file, as if a quantiser had not raised any."""
    model = read_tflite(content)
    for code in model.operatorCodes:
        code.version = 1
    for entry in model.metadata:
        if entry.name == METADATA:
            model.buffers[entry.buffer].data = np.frombuffer(OLDEST, "uint8")
    return write_tflite(model)


@pytest.mark.slow  # five conversions
@pytest.mark.filterwarnings("ignore::UserWarning")  # TensorFlow's interpreter is deprecated
@pytest.mark.parametrize(
    ("make_graph", "kind"),
    [
        (plain_graph, "float16"),
        (plain_graph, "dynamic"),
        (plain_graph, "int8"),
        (special_graph, "float32"),
        (special_graph, "int8"),
    ],
)
def test_versions_and_release_are_tensorflows(make_graph, kind):
    content = by_tensorflow(make_graph(), kind)
    raised, facts = raise_versions(lowered(content))
    assert versions(raised) == versions(content)
    assert facts["runtime"]["requires"] == released(content)
    assert facts["runtime"]["unknown_ops"] == []


@pytest.fixture(scope="module")
def model():
    return make("pan_lite_micro")


@pytest.fixture(scope="module")
def some(model):
    return clips(model, 3)


@pytest.fixture(scope="module", params=["float32", "float16", "dynamic", "int8"])
def artefact(request, model, some):
    return to_tflite(model, request.param, calibration=some)


NEWER = {
    "float32": {},
    "float16": {"DEQUANTIZE": 3},
    "dynamic": {"CONV_2D": 5, "FULLY_CONNECTED": 3},
    "int8": {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "DEQUANTIZE": 2},
}


def test_exported_files_state_the_release_they_need(artefact):
    found, _ = versions(artefact.content)
    expected = NEWER[artefact.precision]
    assert {name: found[name] for name in expected} == expected
    if artefact.precision == "int8":
        # Operators in float, and those that only move numbers, have no newer version.
        old = {name for name, version in found.items() if version == 1}
        assert old == {"SQRT", "TRANSPOSE", "DEPTH_TO_SPACE", "QUANTIZE", "RESHAPE"}
    else:
        assert {name for name, version in found.items() if version > 1} == expected.keys()


def test_exported_files_run_on_the_runtime_of_the_app(artefact):
    runtime = artefact.facts["runtime"]
    release = "2.4.0" if artefact.precision == "dynamic" else "2.1.0"
    assert runtime == {"requires": release, "tested": "2.16.1", "unknown_ops": []}
    assert released(artefact.content) == release


def test_versions_change_nothing_else(artefact, some):
    before = lowered(artefact.content)
    raised, _ = raise_versions(before)
    assert raised == artefact.content
    assert lowered(raised) == before
    old = replace(artefact, content=before)
    for clip in some:
        (new_answer,), (old_answer,) = run(artefact, clip), run(old, clip)
        np.testing.assert_array_equal(new_answer["logits"], old_answer["logits"])


def test_dense_layers_have_one_scale(model, some):
    # With per-channel scales, TFLite 2.16.1 is wrong on arm64 (dynamic), and older ones in int8.
    for precision in ("dynamic", "int8"):
        content = read_tflite(to_tflite(model, precision, calibration=some).content)
        graph = content.subgraphs[0]
        weights = [
            graph.tensors[operator.inputs[1]]
            for operator in graph.operators
            if operator_name(content, operator) == ("FULLY_CONNECTED", False)
        ]
        scales = [len(each.quantization.scale) for each in weights if each.type == INT8]
        assert scales == [1, 1]


def test_a_newer_version_stays(artefact):
    model = read_tflite(artefact.content)
    for code in model.operatorCodes:
        code.version = 9
    found, _ = versions(raise_versions(write_tflite(model))[0])
    assert set(found.values()) == {9}


def test_an_operator_without_a_rule_is_named(artefact, monkeypatch):
    monkeypatch.delitem(RULES, "CONCATENATION")
    raised, facts = raise_versions(lowered(artefact.content))
    assert versions(raised)[0]["CONCATENATION"] == 1
    assert facts["runtime"]["unknown_ops"] == ["CONCATENATION"]


def test_a_release_beyond_the_tested_one_is_not_called_tested(artefact, monkeypatch):
    monkeypatch.setitem(RELEASES, "RESHAPE", {1: "2.17.0"})
    _, facts = raise_versions(artefact.content)
    assert facts["runtime"]["requires"] == "2.17.0"
    assert facts["runtime"]["tested"] is None


def test_a_product_that_is_scaled_up_needs_a_newer_multiplication(model, some):
    content = read_tflite(to_tflite(model, "int8", calibration=some).content)
    graph = content.subgraphs[0]
    (product,) = (
        graph.tensors[operator.outputs[0]]
        for operator in graph.operators
        if operator_name(content, operator)[0] == "MUL"
        and graph.tensors[operator.outputs[0]].type == INT8
    )
    assert versions(raise_versions(write_tflite(content))[0])[0]["MUL"] == 2
    product.quantization.scale = np.array([1e-9], "float32")
    assert versions(raise_versions(write_tflite(content))[0])[0]["MUL"] == 3


def test_every_rule_has_its_releases():
    assert RULES.keys() == RELEASES.keys()
