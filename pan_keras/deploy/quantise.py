"""TFLite files in eight bits, by litert-quantizer.

Of the two quantisers, TensorFlow's and LiteRT's, this one is kept because it can be told which
operations stay in float and which range a tensor has. Both matter: on a run of `motions` (99.5 % in
float32) TensorFlow's converter, which squares PA's features in eight bits and takes the widest range
seen, gives 96.0 %, and this one 99.5 % with the same class for every clip.
"""

import contextlib
import io
import re
from collections.abc import Iterable
from importlib import metadata
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from litert_quantizer import qtyping, quantizer, recipe

from pan_keras.deploy.flatbuffer import operations, output_names, read_tflite, write_tflite
from pan_keras.deploy.ranges import tensor_ranges

# Parts of the graph, by the name scopes that `graph.py` gives them.
LEFT_IN_FLOAT = {
    "pa_norm": "PA: squares of small and large motion do not fit into eight bits together",
    "pa_layout": "PA: rearranges what comes out of the norm in float",
    "classifier": "gives logits; in eight bits near classes would tie",
    "fusion": "gives logits; in eight bits near classes would tie",
}
GIVEN_OUT = "gives an output, which is float"
NO_FORM = "the quantiser has no form of it in eight bits"
BYTES = (0.0, 255.0)
Quantised = tuple[bytes, dict[str, Any]]


def quantise_to_int8(content: bytes, calibration: Iterable[np.ndarray]) -> Quantised:
    """Quantises weights and activations.

    Args:
        content: A TFLite file in float32 with the input `frames`.
        calibration: Clips uint8 `(N, m, H, W, 3)`.

    Returns:
        The file and facts about it.

    Raises:
        ValueError: If there is no clip to calibrate with.
    """
    ranges, clips = tensor_ranges(content, calibration)
    model = read_tflite(content)
    for operation in operations(model):
        if operation.name == "CAST":
            # Of bytes, whatever the clips held: then the bytes are the eight bits already.
            ranges[operation.outputs[0].name] = BYTES
    worker = quantizer.Quantizer(bytearray(content))
    worker.load_quantization_recipe(recipe.static_wi8_ai8())
    leave_in_float(worker, model)
    quantised = absorb_casts(run(worker, ranges))
    left = float_operations(read_tflite(quantised))
    return quantised, {**quantiser(), "calibration_clips": clips, "float_ops": left}


def quantise_dynamically(content: bytes) -> Quantised:
    """Quantises the weights; activations are quantised by the runtime, each time anew.

    Args:
        content: A TFLite file in float32.

    Returns:
        The file and facts about it.
    """
    worker = quantizer.Quantizer(bytearray(content))
    for name in (qtyping.TFLOperationName.CONV_2D, qtyping.TFLOperationName.FULLY_CONNECTED):
        worker.add_dynamic_config(".*", name, num_bits=8)
    leave_in_float(worker, read_tflite(content))
    return run(worker, None), quantiser()


def leave_in_float(worker: quantizer.Quantizer, model: Any) -> None:
    """Keeps parts of the graph, inputs and outputs as they are."""
    patterns = [in_scope(scope).pattern for scope in LEFT_IN_FLOAT]
    # What gives an output bears the output's name and not that of its scope.
    patterns += [f"(^|.*;){re.escape(name)}(;.*|$)" for name in output_names(model)]
    for pattern in patterns:
        everything = qtyping.TFLOperationName.ALL_SUPPORTED
        worker.update_quantization_recipe(pattern, everything, algorithm_key="no_quantize")
    for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        worker.update_quantization_recipe(".*", end, algorithm_key="no_quantize")


def in_scope(scope: str) -> re.Pattern[str]:
    """Matches the names of tensors that were made in a name scope.

    TensorFlow numbers scopes that occur several times, and the converter joins names of what it
    fuses by semicolons.
    """
    return re.compile(rf"(^|.*[;/]){scope}(_\d+)?/.*")


def run(worker: quantizer.Quantizer, ranges: dict[str, tuple[float, float]] | None) -> bytes:
    """Runs the quantiser with known ranges of tensors, without its progress bars."""
    known = ranges and {
        name: {"min": np.full((1, 1, 1, 1), low), "max": np.full((1, 1, 1, 1), high)}
        for name, (low, high) in ranges.items()
    }
    with contextlib.redirect_stderr(io.StringIO()):
        return bytes(worker.quantize(known, enable_progress_report=False).quantized_model)


def absorb_casts(content: bytes) -> bytes:
    """Takes the bytes of the frames for what they are: quantised numbers of scale 1.

    The quantiser leaves a cast to float in place and quantises behind it; this joins the two
    operations to one from uint8 to int8.
    """
    model = read_tflite(content)
    graph = model.subgraphs[0]
    named = dict(zip(map(id, graph.operators), operations(model), strict=True))
    readers: dict[int, list[Any]] = {}
    for operator in graph.operators:
        for index in operator.inputs:
            readers.setdefault(int(index), []).append(operator)
    for cast in [each for each in graph.operators if named[id(each)].name == "CAST"]:
        following = readers[int(cast.outputs[0])]
        if all(named[id(each)].name == "QUANTIZE" for each in following):
            for each in following:
                each.inputs = cast.inputs
            graph.operators.remove(cast)
    for tensor in graph.tensors:
        if tensor.type == schema.TensorType.UINT8:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [1.0]
            tensor.quantization.zeroPoint = [0]
    return write_tflite(model)


def float_operations(model: Any) -> dict[str, str]:
    """The operations that compute in float, and why; what only converts does not count."""
    given_out = output_names(model)
    reasons: dict[str, list[str]] = {}
    for operation in operations(model):
        output = operation.outputs[0]
        if output.dtype != "float32" or operation.name in ("QUANTIZE", "DEQUANTIZE"):
            continue
        scopes = (why for scope, why in LEFT_IN_FLOAT.items() if in_scope(scope).match(output.name))
        reason = next(scopes, GIVEN_OUT if output.name in given_out else NO_FORM)
        known = reasons.setdefault(operation.name, [])
        if reason not in known:
            known.append(reason)
    return {name: "; ".join(known) for name, known in reasons.items()}


def quantiser() -> dict[str, str]:
    """Which quantiser it was."""
    return {"quantiser": f"litert-quantizer {metadata.version('litert-quantizer')}"}
