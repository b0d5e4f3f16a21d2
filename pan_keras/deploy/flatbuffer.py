"""A .tflite file as a list of operations."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if name.isupper()}
OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph.

    Args:
        index: Its number in the file.
        name: As the converter called it; parts of fused operations are separated by semicolons.
        shape: All dimensions; -1 for one that is not known.
        dtype: Such as `float32`.
        constant: Whether its values are in the file.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    constant: bool


@dataclass(frozen=True)
class Operation:
    """An operation of a graph.

    Args:
        name: Of the built-in operation, or of the custom one.
        custom: Whether the runtime needs code of its own for it; Flex operations of TensorFlow are
            such.
        inputs: What it reads.
        outputs: What it writes.
    """

    name: str
    custom: bool
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_tflite(content: bytes) -> Any:
    """Parses a .tflite file into the objects of LiteRT's schema, which can be changed."""
    return flatbuffer_utils.read_model_from_bytearray(bytearray(content))


def write_tflite(model: Any) -> bytes:
    """The .tflite file of a parsed model."""
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def tensors(model: Any) -> list[Tensor]:
    """All tensors of the main graph, in the order of their numbers."""
    graph = model.subgraphs[0]
    return [
        Tensor(
            index=index,
            name=tensor.name.decode(),
            shape=tuple(int(side) for side in signature(tensor)),
            dtype=TYPES[tensor.type],
            constant=holds_values(model, tensor),
        )
        for index, tensor in enumerate(graph.tensors)
    ]


def operations(model: Any) -> list[Operation]:
    """All operations of the main graph, in the order in which they run."""
    known = tensors(model)

    def pick(indices: Sequence[int]) -> tuple[Tensor, ...]:
        return tuple(known[index] for index in indices if index >= 0)

    return [
        Operation(*operator_name(model, operator), pick(operator.inputs), pick(operator.outputs))
        for operator in model.subgraphs[0].operators
    ]


def output_names(model: Any) -> set[str]:
    """Names of the tensors that the main graph gives out; not those of the signature."""
    graph = model.subgraphs[0]
    return {graph.tensors[index].name.decode() for index in graph.outputs}


def count_operations(listed: Sequence[Operation]) -> dict[str, int]:
    """How often each operation occurs, most frequent first."""
    return dict(Counter(operation.name for operation in listed).most_common())


def operator_name(model: Any, operator: Any) -> tuple[str, bool]:
    """The name of an operation, and whether it is custom."""
    code = model.operatorCodes[operator.opcodeIndex]
    # Files for old runtimes hold the code in a field of one byte.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if number == schema.BuiltinOperator.CUSTOM:
        return code.customCode.decode(), True
    return OPERATORS[number], False


def signature(tensor: Any) -> Sequence[int]:
    """The shape of a tensor, with -1 where a dimension is not known."""
    free = tensor.shapeSignature
    return tensor.shape if free is None or not np.size(free) else free


def holds_values(model: Any, tensor: Any) -> bool:
    """Whether a tensor's values are in the file."""
    buffer = model.buffers[tensor.buffer]
    return bool((buffer.data is not None and len(buffer.data)) or buffer.offset)
