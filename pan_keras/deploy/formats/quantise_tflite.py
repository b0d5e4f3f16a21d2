"""Int8 quantisation of TFLite files with litert-quantizer.

LiteRT's quantiser is used instead of TensorFlow's because it accepts operations to keep in float
and ranges of tensors. Both matter. The demo's run on `motions` has an accuracy of 99.5 % in
float32. Full int8 with the widest observed ranges reaches 96.0 % with TensorFlow's quantiser and
95.0 % with LiteRT's; with PA's norm in float and trimmed ranges, LiteRT's reaches 99.5 % and gives
every clip the same class as float32. The kernels, and so the speed, are the same.
"""

import contextlib
import io
import math
import re
import warnings
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from litert_quantizer import qtyping, quantizer, recipe

from pan_keras.deploy.formats.flatbuffer import (
    operations,
    output_tensors,
    read_tflite,
    write_tflite,
)
from pan_keras.deploy.formats.listing import GIVEN_OUT, NO_FORM, Operation, reason
from pan_keras.deploy.formats.ranges import tensor_ranges

BYTES = (0.0, 255.0)
FULLY_CONNECTED = qtyping.TFLOperationName.FULLY_CONNECTED
# Per-channel scales of dense layers came late to the kernels, and for int8 without a new operator
# version: older runtimes silently compute wrong results, such as TFLite 2.16.1 on arm64 with float
# activations.
ONE_SCALE = qtyping.QuantGranularity.TENSORWISE
LARGEST_WEIGHTS = 32 * 2**20  # bytes in float32
TOO_LARGE = "the quantiser fails on convolution weights of more than 32 MiB"
CONSTANT_FIRST = "the 8-bit kernel gives zeros where the first operand is constant"
Quantised = tuple[bytes, dict[str, Any]]


def quantise_to_int8(
    content: bytes, calibration: Iterable[np.ndarray], float_layers: Mapping[str, str]
) -> Quantised:
    """Quantises weights and activations.

    Args:
        content: A TFLite file in float32 with the input `frames`.
        calibration: Clips uint8 `(N, m, H, W, 3)`.
        float_layers: Reasons by name of the layers that stay in float.

    Returns:
        The file and facts about it.

    Raises:
        ValueError: If there is no clip to calibrate with.
    """
    ranges, clips = tensor_ranges(content, calibration)
    model = read_tflite(content)
    for operation in operations(model):
        if operation.name == "CAST":
            # The full range of bytes, whatever the clips contain: at scale 1, bytes stay unchanged.
            ranges[operation.outputs[0].name] = BYTES
    worker = quantizer.Quantizer(bytearray(content))
    worker.load_quantization_recipe(recipe.static_wi8_ai8())
    worker.add_static_config(".*", FULLY_CONNECTED, 8, 8, ONE_SCALE)
    leave_in_float(worker, model, float_layers)
    quantised = tidy(run(worker, ranges))
    left = float_operations(read_tflite(quantised), float_layers)
    return quantised, {**quantiser(), "calibration_clips": clips, "float_ops": left}


def quantise_dynamically(content: bytes, float_layers: Mapping[str, str]) -> Quantised:
    """Quantises the weights; the runtime quantises activations in each call.

    Args:
        content: A TFLite file in float32.
        float_layers: Reasons by name of the layers that stay in float.

    Returns:
        The file and facts about it.
    """
    worker = quantizer.Quantizer(bytearray(content))
    worker.add_dynamic_config(".*", qtyping.TFLOperationName.CONV_2D, num_bits=8)
    worker.add_dynamic_config(".*", FULLY_CONNECTED, 8, ONE_SCALE)
    leave_in_float(worker, read_tflite(content), float_layers)
    return run(worker, None), quantiser()


def leave_in_float(
    worker: quantizer.Quantizer, model: Any, float_layers: Mapping[str, str]
) -> None:
    """Excludes operations of some layers, inputs and outputs from quantisation."""
    given_out = results(model)
    for operation in operations(model):
        output = operation.outputs[0].name
        if output in given_out or reason(output, float_layers) or unquantisable(operation):
            # The quantiser matches a regular expression against the names of the outputs, each
            # terminated by a semicolon.
            worker.update_quantization_recipe(
                f"^{re.escape(output)};",
                qtyping.TFLOperationName.ALL_SUPPORTED,
                algorithm_key="no_quantize",
            )
    for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        worker.update_quantization_recipe(".*", end, algorithm_key="no_quantize")


def unquantisable(operation: Operation) -> str | None:
    """Returns why an operation with an 8-bit form cannot use it; None if it can."""
    if operation.name == "BATCH_MATMUL" and operation.inputs[0].constant:
        return CONSTANT_FIRST
    for tensor in operation.inputs:
        size = 4 * math.prod(tensor.shape)
        if tensor.constant and len(tensor.shape) > 2 and size > LARGEST_WEIGHTS:
            return TOO_LARGE
    return None


def results(model: Any) -> set[str]:
    """Names the output tensors of a model, without the states, which are quantised."""
    outputs = output_tensors(model)
    return {tensor for name, tensor in outputs.items() if name in ("logits", "motion")}


def run(worker: quantizer.Quantizer, ranges: dict[str, tuple[float, float]] | None) -> bytes:
    """Runs the quantiser with given tensor ranges, without its progress bars."""
    known: Any = ranges and {
        name: {"min": np.full((1, 1, 1, 1), low), "max": np.full((1, 1, 1, 1), high)}
        for name, (low, high) in ranges.items()
    }
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        # LiteRT warns that keeping all tensors takes memory.
        warnings.simplefilter("ignore", UserWarning)
        return bytes(worker.quantize(known, enable_progress_report=False).quantized_model)


def tidy(content: bytes) -> bytes:
    """Replaces the cast and quantisation of the frames by one operation from uint8 to int8.

    Bytes are already quantised numbers of scale 1, but the quantiser keeps the cast to float and
    quantises after it. Outputs are set to those of the signature.
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
    # For an output that the graph also reads, the quantiser lists the quantised copy instead.
    graph.outputs = [output.tensorIndex for output in model.signatureDefs[0].outputs]
    return write_tflite(model)


def float_operations(model: Any, float_layers: Mapping[str, str]) -> dict[str, str]:
    """Returns why operations compute in float, by name, without conversions between types."""
    given_out = results(model)
    reasons: dict[str, list[str]] = {}
    for operation in operations(model):
        output = operation.outputs[0]
        if output.dtype != "float32" or operation.name in ("QUANTIZE", "DEQUANTIZE"):
            continue
        known_why = reason(output.name, float_layers) or unquantisable(operation)
        why = known_why or (GIVEN_OUT if output.name in given_out else NO_FORM)
        known = reasons.setdefault(operation.name, [])
        if why not in known:
            known.append(why)
    return {name: "; ".join(known) for name, known in reasons.items()}


def quantiser() -> dict[str, str]:
    """Returns the name and version of the quantiser."""
    return {"quantiser": f"litert-quantizer {metadata.version('litert-quantizer')}"}
