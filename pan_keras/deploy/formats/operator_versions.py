"""Operator versions of TFLite files, which determine the oldest runtime for a file.

A TFLite file states a version for each kind of operator. A runtime that is too old for one refuses
to load the file; if the stated version is too low, the runtime silently computes wrong results.
TensorFlow's converter writes the versions of the float model, and the quantiser leaves them
unchanged, although operators with int8 weights need newer ones.

The rules follow TensorFlow's `op_version.cc`, and the release of each version its
`runtime_version.cc`, for the operators and types of exported models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pan_keras.deploy.formats.flatbuffer import TYPES, operator_name, read_tflite, write_tflite

# The oldest TensorFlow Lite on which `make arm` ran the test vectors.
OLDEST_TESTED: Final = "2.16.1"
METADATA: Final = b"min_runtime_version"
METADATA_BYTES: Final = 16
KNOWN_TYPES: Final = frozenset({"float32", "float16", "int8", "uint8", "int32"})


@dataclass(frozen=True)
class _Use:
    """An operator with its options and tensors; an omitted tensor is None."""

    options: Any
    inputs: Sequence[Any]
    outputs: Sequence[Any]

    def types(self) -> tuple[str | None, ...]:
        """Returns the types of the first input, the second input and the first output."""
        first, second = (*self.inputs, None)[:2]
        return tuple(each and TYPES[each.type] for each in (first, second, self.outputs[0]))

    def reads(self, dtype: str) -> bool:
        return self.types()[0] == dtype

    def is_int8(self) -> bool:
        return self.types() == ("int8", "int8", "int8")

    def is_hybrid(self) -> bool:
        """Returns whether weights are int8 and activations float."""
        return self.types() == ("float32", "int8", "float32")

    def is_known(self) -> bool:
        types = {TYPES[each.type] for each in (*self.inputs, *self.outputs) if each}
        return types <= KNOWN_TYPES

    def rank(self) -> int:
        return max(np.size(each.shape) for each in self.inputs if each)

    def broadcasts(self) -> bool:
        first, second = self.inputs
        return not np.array_equal(first.shape, second.shape)


def raise_versions(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """Raises the operator versions of a TFLite file to those that its operators need.

    Sufficient versions, and those of operators without a rule here, are kept. The file's metadata
    `min_runtime_version` is updated. Nothing else changes.

    Args:
        content: The file.

    Returns:
        The file, and facts about it: under `runtime`, the oldest release of TensorFlow Lite with
        these versions (`requires`), the oldest release tested with exported models (`tested`; None
        if it is older than `requires`), and the operators without a rule (`unknown_ops`).

    Example:
        >>> content, facts = raise_versions(content)
        >>> facts["runtime"]
        {'requires': '2.1.0', 'tested': '2.16.1', 'unknown_ops': []}
    """
    model = read_tflite(content)
    unknown = set()
    for graph in model.subgraphs:
        for operator in graph.operators:
            name, _ = operator_name(model, operator)
            version = _version(name, graph, operator)
            if version is None:
                unknown.add(name)
            else:
                code = model.operatorCodes[operator.opcodeIndex]
                code.version = max(code.version, version)
    requires = _required(model)
    tested = OLDEST_TESTED if _numbers(requires) <= _numbers(OLDEST_TESTED) else None
    runtime = {"requires": requires, "tested": tested, "unknown_ops": sorted(unknown)}
    return write_tflite(model), {"runtime": runtime}


def _version(name: str, graph: Any, operator: Any) -> int | None:
    """Returns the version that an operator needs; None if no rule is known."""
    pick = [
        [graph.tensors[index] if index >= 0 else None for index in indices]
        for indices in (operator.inputs, operator.outputs)
    ]
    use = _Use(operator.builtinOptions, *pick)
    if name not in RULES or not use.is_known():
        return None
    version = RULES[name](use)
    return version if version in RELEASES[name] else None


def _required(model: Any) -> str:
    """Returns the oldest release with all versions of a file, and writes it to the metadata.

    The converter's entry is kept if it is newer, because of operators without a rule here.
    """
    notes = [model.buffers[each.buffer] for each in model.metadata or () if each.name == METADATA]
    found = [bytes(note.data).rstrip(b"\0").decode() for note in notes]
    for graph in model.subgraphs:
        for operator in graph.operators:
            version = model.operatorCodes[operator.opcodeIndex].version
            release = RELEASES.get(operator_name(model, operator)[0], {}).get(version)
            found += [release] if release else []
    newest = max(found, key=_numbers)
    for note in notes:
        note.data = np.frombuffer(newest.encode().ljust(METADATA_BYTES, b"\0"), "uint8")
    return newest


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in release.split("."))


def _always(_use: _Use) -> int:
    return 1


def _first_in_int8(use: _Use) -> int:
    return 2 if use.reads("int8") else 1


def _pixelwise(use: _Use) -> int:
    """Returns the version of an element-wise operator with broadcasting."""
    if use.broadcasts() and use.rank() > 4:
        return 3
    return _first_in_int8(use)


def _multiplication(use: _Use) -> int:
    if use.is_int8():
        first, second, output = (
            float(each.quantization.scale[0]) for each in (*use.inputs, *use.outputs)
        )
        return 3 if first * second / output >= 1 else 2
    return 1


def _convolution(use: _Use) -> int:
    frames, weights, *_ = use.inputs
    if frames.shape[3] != weights.shape[3]:
        return 6
    if use.is_hybrid():
        return 5 if _scales(weights) == weights.shape[0] else 2
    return 3 if use.is_int8() else 1


def _depthwise(use: _Use) -> int:
    weights = use.inputs[1]
    if use.is_hybrid():
        return 6 if _scales(weights) == weights.shape[3] else 4
    if use.is_int8():
        return 3
    dilated = use.options.dilationWFactor != 1 or use.options.dilationHFactor != 1
    return 2 if dilated else 1


def _fully_connected(use: _Use) -> int | None:
    weights, options = use.inputs[1], use.options
    if use.is_hybrid() and _scales(weights) == weights.shape[0]:
        return 12
    if len(use.inputs) < 3 or options.keepNumDims or options.asymmetricQuantizeInputs:
        return None
    if use.is_hybrid():
        return 3
    return 4 if use.is_int8() else 1


def _quantisation(use: _Use) -> int | None:
    return 1 if _scales(use.outputs[0]) == 1 else None


def _dequantisation(use: _Use) -> int | None:
    if use.reads("float16"):
        return 3
    if use.reads("int8"):
        return 2 if _scales(use.inputs[0]) == 1 else None
    return 1


def _cast(use: _Use) -> int | None:
    return 1 if use.types() == ("uint8", None, "float32") else None


def _slice(use: _Use) -> int | None:
    if use.options.offset or use.options.ellipsisMask or use.options.newAxisMask:
        return None
    return _rearrangement(use)


def _rearrangement(use: _Use) -> int:
    return 4 if use.rank() > 4 else _first_in_int8(use)


def _scales(tensor: Any) -> int:
    quantization = tensor.quantization
    scale = None if quantization is None else quantization.scale
    return 0 if scale is None else len(scale)


RULES: Final[dict[str, Callable[[_Use], int | None]]] = {
    "ADD": _first_in_int8,
    "CAST": _cast,
    "CONCATENATION": _first_in_int8,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEPTH_TO_SPACE": _first_in_int8,
    "DEQUANTIZE": _dequantisation,
    "FULLY_CONNECTED": _fully_connected,
    "MAXIMUM": _pixelwise,
    "MAX_POOL_2D": _first_in_int8,
    "MEAN": _first_in_int8,
    "MUL": _multiplication,
    "PACK": _first_in_int8,
    "PAD": _rearrangement,
    "QUANTIZE": _quantisation,
    "RESHAPE": _always,
    "SOFTMAX": _first_in_int8,
    "SQRT": _first_in_int8,
    "STRIDED_SLICE": _slice,
    "SUB": _pixelwise,
    "SUM": _first_in_int8,
    "TRANSPOSE": _rearrangement,
}
# TensorFlow Lite release by operator and version.
RELEASES: Final[dict[str, dict[int, str]]] = {
    "ADD": {1: "1.5.0", 2: "1.14.0"},
    "CAST": {1: "1.5.0"},
    "CONCATENATION": {1: "1.5.0", 2: "1.14.0"},
    "CONV_2D": {1: "1.5.0", 2: "1.14.0", 3: "1.14.0", 5: "2.4.0", 6: "2.9.0"},
    "DEPTHWISE_CONV_2D": {1: "1.5.0", 2: "1.12.0", 3: "1.14.0", 4: "2.2.0", 6: "2.3.0"},
    "DEPTH_TO_SPACE": {1: "2.1.0", 2: "2.5.0"},
    "DEQUANTIZE": {1: "1.13.1", 2: "1.14.0", 3: "1.15.0"},
    "FULLY_CONNECTED": {1: "1.5.0", 3: "1.14.0", 4: "1.14.0", 12: "2.17.0"},
    "MAXIMUM": {1: "1.14.0", 2: "1.14.0", 3: "2.3.0"},
    "MAX_POOL_2D": {1: "1.5.0", 2: "1.14.0"},
    "MEAN": {1: "1.6.0", 2: "1.14.0"},
    "MUL": {1: "1.5.0", 2: "1.14.0", 3: "1.15.0"},
    "PACK": {1: "1.11.0", 2: "1.14.0"},
    "PAD": {1: "1.5.0", 2: "1.14.0", 4: "2.6.0"},
    "QUANTIZE": {1: "1.14.0"},
    "RESHAPE": {1: "1.5.0"},
    "SOFTMAX": {1: "1.5.0", 2: "1.14.0"},
    "SQRT": {1: "1.10.0", 2: "2.21.0"},
    "STRIDED_SLICE": {1: "1.6.0", 2: "1.14.0", 4: "2.2.0"},
    "SUB": {1: "1.6.0", 2: "1.14.0", 3: "2.3.0"},
    "SUM": {1: "1.10.0", 2: "1.15.0"},
    "TRANSPOSE": {1: "1.6.0", 2: "1.14.0", 4: "2.3.0"},
}
