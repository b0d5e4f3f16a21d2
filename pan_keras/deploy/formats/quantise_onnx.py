"""Int8 quantisation of ONNX files with ONNX Runtime."""

import tempfile
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationMethod,
    QuantType,
    quant_pre_process,
    quantize_static,
)
from onnxruntime.quantization.calibrate import TensorsData, save_tensors_data

from pan_keras.deploy.formats.listing import GIVEN_OUT, NO_FORM, reason
from pan_keras.deploy.formats.ranges import extremes_of, trimmed
from pan_keras.runtime.onnx_engine import OnnxEngine
from pan_keras.runtime.stream import run_clip

CONVERTERS = ("QuantizeLinear", "DequantizeLinear", "Cast")


def quantise_onnx_to_int8(
    proto: onnx.ModelProto, calibration: Iterable[np.ndarray], float_layers: Mapping[str, str]
) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Quantises weights and activations, as quantise and dequantise nodes.

    Args:
        proto: A model in float32 with the input `frames`.
        calibration: Clips uint8 `(N, m, H, W, 3)`.
        float_layers: Reasons by name of the layers that stay in float.

    Returns:
        The model and facts about it.

    Raises:
        ValueError: If there is no clip to calibrate with.
    """
    proto = prepared(proto)
    ranges, clips = tensor_ranges(proto, calibration)
    given = {output.name for output in proto.graph.output} & {"logits", "motion"}
    kept = [
        node
        for node in proto.graph.node
        if node.output[0] in given or reason(node.output[0], float_layers)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file, known = Path(folder) / "model.onnx", Path(folder) / "ranges.json"
        save_tensors_data(TensorsData(CalibrationMethod.MinMax, ranges), known)
        quantize_static(
            proto,
            file,
            calibration_cache_path=known,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[node.name for node in kept],
        )
        quantised = onnx.load(file)
    facts = {
        "quantiser": f"onnxruntime {metadata.version('onnxruntime')}",
        "calibration_clips": clips,
        "float_ops": float_operations(quantised, float_layers),
    }
    return quantised, facts


def prepared(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Infers shapes and applies ONNX Runtime's fusions of paddings and constants."""
    with tempfile.TemporaryDirectory() as folder:
        raw, fused = Path(folder) / "raw.onnx", Path(folder) / "fused.onnx"
        onnx.save(proto, raw)
        # Symbolic shape inference is for named dimensions, which do not occur here.
        quant_pre_process(raw, fused, skip_symbolic_shape=True)
        return onnx.load(fused)


def tensor_ranges(
    proto: onnx.ModelProto, clips: Iterable[np.ndarray]
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], int]:
    """Measures the range of every float tensor, as `pan_keras.deploy.formats.ranges` for TFLite."""
    watched = onnx.ModelProto()
    watched.CopyFrom(proto)
    given = {output.name for output in proto.graph.output}
    floats = [
        value
        for value in (*proto.graph.value_info, *proto.graph.output, *proto.graph.input)
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    ]
    inner = [value for value in proto.graph.value_info if value in floats]
    watched.graph.output.extend(value for value in inner if value.name not in given)
    engine = OnnxEngine(watched.SerializeToString())
    names = [value.name for value in floats]
    extremes = [
        extremes_of([tensors[name] for name in names] for tensors in run_clip(engine, clip))
        for clip in clips
    ]
    pairs = [tuple(np.array(end, "float32") for end in pair) for pair in trimmed(extremes)]
    return dict(zip(names, pairs, strict=True)), len(extremes)


def float_operations(proto: onnx.ModelProto, float_layers: Mapping[str, str]) -> dict[str, str]:
    """Returns why operations compute in float, by name: those that read no dequantised tensor."""
    graph = onnx.shape_inference.infer_shapes(proto).graph
    types = {each.name: each.type.tensor_type.elem_type for each in graph.value_info}
    types |= {each.name: each.type.tensor_type.elem_type for each in graph.output}
    given = {output.name for output in graph.output}
    makers = {name: node.op_type for node in graph.node for name in node.output}
    left: dict[str, list[str]] = {}
    for node in graph.node:
        output = node.output[0]
        fed = any(makers.get(name) == "DequantizeLinear" for name in node.input)
        known_why = reason(output, float_layers)
        if fed and output not in given and known_why is None:
            continue
        if types.get(output) != onnx.TensorProto.FLOAT or node.op_type in CONVERTERS:
            continue
        why = known_why or (GIVEN_OUT if output in given else NO_FORM)
        known = left.setdefault(node.op_type, [])
        if why not in known:
            known.append(why)
    return {name: "; ".join(known) for name, known in left.items()}
