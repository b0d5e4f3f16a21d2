"""Converts models to TFLite."""

import tempfile
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pan_keras.deploy.artefact import PRECISIONS, Artefact, Precision, state_tensors
from pan_keras.deploy.formats.flatbuffer import list_tflite
from pan_keras.deploy.formats.operator_versions import raise_versions
from pan_keras.deploy.formats.quantise_tflite import quantise_dynamically, quantise_to_int8
from pan_keras.deploy.graph.network import deployment_graph
from pan_keras.deploy.graph.precision import float_layers

SIGNATURE = "serve"


def to_tflite(
    model: keras.Model,
    precision: Precision = "float32",
    *,
    calibration: Iterable[np.ndarray] = (),
    with_motion: bool = False,
    streaming: bool = False,
) -> Artefact:
    """Converts a trained model to TFLite.

    Args:
        model: A `VideoNetwork`, or a network of several.
        precision: `"float32"`; `"float16"`: weights in float16, arithmetic as the device chooses;
            `"dynamic"`: weights in int8, activations quantised at run time; `"int8"`: both in int8,
            with ranges from the calibration.
        calibration: Clips uint8 `(N, m, H, W, 3)` for int8, representative of the model's use; a
            hundred are enough.
        with_motion: Whether PA is an additional output.
        streaming: Whether one call takes one segment instead of a clip.

    Raises:
        ValueError: If the precision is unknown, int8 has no calibration clips, PA is requested of
            a model without it, or streaming of a model with a non-causal shift.

    Example:
        >>> artefact = to_tflite(model, "int8", calibration=clips)
        >>> artefact.facts["float_ops"]["SQRT"]
        'PA: squares of small and large motion do not fit into eight bits together'
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    graph = deployment_graph(
        model, streaming=streaming, with_motion=with_motion, eight_bits=precision == "int8"
    )
    content = convert(graph, half=precision == "float16")
    facts: dict[str, Any] = {"converter": f"tensorflow {tf.__version__}"}
    if precision == "dynamic":
        content, more = quantise_dynamically(content, float_layers(graph))
        facts |= more
    elif precision == "int8":
        content, more = quantise_to_int8(content, calibration, float_layers(graph))
        facts |= more
    content, more = raise_versions(content)
    facts |= more
    facts["ops"] = list_tflite(content).counts()
    return Artefact("tflite", precision, streaming, content, facts, state_tensors(graph))


def convert(graph: keras.Model, *, half: bool = False) -> bytes:
    """Converts a graph to a TFLite file with the signature `serve`.

    Args:
        graph: A model from named inputs to named outputs.
        half: Whether to store the weights in float16.
    """
    module = tf.Module()
    # `call`, since `__call__` would prefix the name of every tensor with the graph's.
    module.serve = tf.function(lambda **inputs: graph.call(inputs, False), autograph=False)
    concrete = module.serve.get_concrete_function(**input_specs(graph))
    module.captured = list(concrete.variables)
    # Through a SavedModel: from_concrete_functions leaves the variables of Keras 3 unfrozen, and
    # neither it nor from_keras_model can name the signature.
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={SIGNATURE: concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        if half:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def input_specs(graph: keras.Model) -> dict[str, tf.TensorSpec]:
    """Returns the input specifications of a graph by name."""
    return {each.name: tf.TensorSpec(each.shape, each.dtype, each.name) for each in graph.inputs}
