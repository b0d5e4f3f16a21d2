"""Reads and writes TFLite flatbuffers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from pan_keras.deploy.formats.listing import Listing, Operation, Tensor

TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if name.isupper()}
OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}


def list_tflite(content: bytes) -> Listing:
    """Lists the contents of a .tflite file, with the inputs and outputs of its first signature."""
    model = read_tflite(content)
    known = tensors(model)
    signatures = model.signatureDefs or []
    first = signatures[0] if signatures else schema.SignatureDefT()
    return Listing(
        inputs={end.name.decode(): known[end.tensorIndex] for end in first.inputs or ()},
        outputs={end.name.decode(): known[end.tensorIndex] for end in first.outputs or ()},
        operations=tuple(operations(model)),
        signatures=tuple(each.signatureKey.decode() for each in signatures),
        graphs=len(model.subgraphs),
    )


def read_tflite(content: bytes) -> Any:
    """Parses a .tflite file into the mutable objects of LiteRT's schema."""
    return flatbuffer_utils.read_model_from_bytearray(bytearray(content))


def write_tflite(model: Any) -> bytes:
    """Serialises a parsed model to a .tflite file."""
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def tensors(model: Any) -> list[Tensor]:
    """Lists all tensors of the main graph, in index order."""
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
    """Lists all operations of the main graph, in execution order."""
    known = tensors(model)

    def pick(indices: Sequence[int]) -> tuple[Tensor, ...]:
        return tuple(known[index] for index in indices if index >= 0)

    return [
        Operation(*operator_name(model, operator), pick(operator.inputs), pick(operator.outputs))
        for operator in model.subgraphs[0].operators
    ]


def output_tensors(model: Any) -> dict[str, str]:
    """Maps the name of each signature output to the name of its tensor."""
    found = model.subgraphs[0].tensors
    return {
        output.name.decode(): found[output.tensorIndex].name.decode()
        for output in model.signatureDefs[0].outputs
    }


def operator_name(model: Any, operator: Any) -> tuple[str, bool]:
    """Returns the name of an operation, and whether it is custom."""
    code = model.operatorCodes[operator.opcodeIndex]
    # Files for old runtimes have the code in the deprecated one-byte field.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if number == schema.BuiltinOperator.CUSTOM:
        return code.customCode.decode(), True
    return OPERATORS[number], False


def signature(tensor: Any) -> Sequence[int]:
    """Returns the shape of a tensor, with -1 for unknown dimensions."""
    free = tensor.shapeSignature
    return tensor.shape if free is None or not np.size(free) else free


def holds_values(model: Any, tensor: Any) -> bool:
    """Returns whether a tensor's values are in the file."""
    buffer = model.buffers[tensor.buffer]
    return bool((buffer.data is not None and len(buffer.data)) or buffer.offset)
