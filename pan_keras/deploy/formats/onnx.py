"""Converts models to ONNX."""

import logging
from collections import Counter
from collections.abc import Iterable
from importlib import metadata

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from pan_keras.deploy.artefact import Artefact, Precision, state_tensors
from pan_keras.deploy.formats.quantise_onnx import quantise_onnx_to_int8
from pan_keras.deploy.graph.network import deployment_graph
from pan_keras.deploy.graph.precision import float_layers

# Supported by every ONNX Runtime since 1.12; the second newest that tf2onnx writes.
OPSET = 17
ONNX_PRECISIONS = ("float32", "int8")


def to_onnx(
    model: keras.Model,
    precision: Precision = "float32",
    *,
    calibration: Iterable[np.ndarray] = (),
    with_motion: bool = False,
    streaming: bool = False,
    dynamic_batch: bool = False,
) -> Artefact:
    """Converts a trained model to ONNX.

    Args:
        model: A `VideoNetwork`, or a network of several.
        precision: `"float32"`, or `"int8"`: weights and activations, as quantise and dequantise
            nodes, with ranges from the calibration.
        calibration: Clips uint8 `(N, m, H, W, 3)` for int8, representative of the model's use; a
            hundred are enough.
        with_motion: Whether PA is an additional output.
        streaming: Whether one call takes one segment instead of a clip. The new value of `state_0`
            is the output `next_state_0`, since tensor names are unique in ONNX.
        dynamic_batch: Whether a call takes any number of clips: `frames` `(B * N * m, H, W, 3)`,
            `logits` `(B, classes)`.

    Raises:
        ValueError: If ONNX does not support the precision, int8 has no calibration clips, PA is
            requested of a model without it, or streaming is requested of a model with a non-causal
            shift or together with a dynamic batch.

    Example:
        >>> to_onnx(model, dynamic_batch=True).facts["opset"]
        17
    """
    if precision not in ONNX_PRECISIONS:
        raise ValueError(f"ONNX has {' and '.join(ONNX_PRECISIONS)}, got {precision!r}")
    if streaming and dynamic_batch:
        raise ValueError("a stream is one video; remove streaming or the dynamic batch")
    graph = deployment_graph(
        model,
        streaming=streaming,
        with_motion=with_motion,
        clips=None if dynamic_batch else 1,
    )
    proto = convert(graph)
    facts = {"converter": f"tf2onnx {metadata.version('tf2onnx')}", "opset": OPSET}
    if precision == "int8":
        proto, more = quantise_onnx_to_int8(proto, calibration, float_layers(graph))
        facts |= more
    onnx.checker.check_model(proto, full_check=True)
    facts["ops"] = dict(Counter(node.op_type for node in proto.graph.node).most_common())
    content = proto.SerializeToString()
    return Artefact("onnx", precision, streaming, content, facts, state_tensors(graph))


def convert(graph: keras.Model) -> onnx.ModelProto:
    """Converts a graph, a model from named inputs to named outputs, and keeps the names."""
    specs = [tf.TensorSpec(each.shape, each.dtype, each.name) for each in graph.inputs]
    names = [spec.name for spec in specs]

    def serve(*values: tf.Tensor) -> dict[str, tf.Tensor]:
        # `call`, since `__call__` would prefix every name with the graph's.
        outputs = graph.call(dict(zip(names, values, strict=True)), False)
        return {f"next_{name}" if name in names else name: each for name, each in outputs.items()}

    logger = logging.getLogger("tf2onnx")
    level = logger.level
    # It reports each inapplicable optimisation as an error.
    logger.setLevel(logging.CRITICAL)
    try:
        proto, _ = tf2onnx.convert.from_function(
            tf.function(serve, autograph=False),
            input_signature=specs,
            opset=OPSET,
        )
    finally:
        logger.setLevel(level)
    return proto
