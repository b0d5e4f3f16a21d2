"""Reads ONNX files."""

import onnx
from onnx import TensorProto

from pan_keras.deploy.formats.listing import Listing, Operation, Tensor

TYPES = {TensorProto.FLOAT: "float32"}
STANDARD = ("", "ai.onnx")


def list_onnx(content: bytes) -> Listing:
    """Lists the contents of an .onnx file; missing shapes are inferred."""
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(content), data_prop=True)
    graph = model.graph
    known = {
        value.name: described(index, value)
        for index, value in enumerate((*graph.input, *graph.value_info, *graph.output))
    }
    for each in graph.initializer:
        dtype = type_name(each.data_type)
        known[each.name] = Tensor(len(known), each.name, tuple(each.dims), dtype, constant=True)

    def pick(names) -> tuple[Tensor, ...]:
        # An empty name stands for an omitted argument.
        return tuple(known[name] for name in names if name in known)

    return Listing(
        inputs={value.name: known[value.name] for value in graph.input},
        outputs={value.name: known[value.name] for value in graph.output},
        operations=tuple(
            Operation(
                node.op_type, node.domain not in STANDARD, pick(node.input), pick(node.output)
            )
            for node in graph.node
        ),
    )


def described(index: int, value: onnx.ValueInfoProto) -> Tensor:
    """Describes a tensor of the graph."""
    kind = value.type.tensor_type
    shape = tuple(side.dim_value if side.HasField("dim_value") else -1 for side in kind.shape.dim)
    return Tensor(index, value.name, shape, type_name(kind.elem_type), constant=False)


def type_name(code: int) -> str:
    """Returns NumPy's name of an element type."""
    return TYPES.get(code, TensorProto.DataType.Name(code).lower())
