"""Format-independent listing of the operations and tensors of a model file."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph.

    Args:
        index: Its index in the file.
        name: The converter's name, in which semicolons separate the parts of fused operations.
        shape: All dimensions; -1 for unknown ones.
        dtype: Element type, such as `float32`.
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
        name: Name of the built-in or custom operation.
        custom: Whether the runtime needs additional code for it, as for TensorFlow's Flex
            operations.
        inputs: Tensors that it reads.
        outputs: Tensors that it writes.
    """

    name: str
    custom: bool
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class Listing:
    """The contents of a model file.

    Args:
        inputs: Input tensors by name.
        outputs: Output tensors by name.
        operations: Operations in execution order.
        signatures: Names of the signatures; ONNX has none.
        graphs: Number of graphs; more than one if there are loops or branches.
    """

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    operations: tuple[Operation, ...]
    signatures: tuple[str, ...] = ()
    graphs: int = 1

    def counts(self) -> dict[str, int]:
        """Counts each kind of operation, most frequent first."""
        return dict(Counter(operation.name for operation in self.operations).most_common())


GIVEN_OUT = "is an output, which is float"
NO_FORM = "the quantiser has no 8-bit form of it"


def reason(tensor: str, float_layers: Mapping[str, str]) -> str | None:
    """Returns why the operation that produces a tensor stays in float; None if it does not.

    Both converters include the name of an operation's Keras layer in its tensor's name, before a
    slash and with a number appended by TensorFlow; the TFLite converter joins the names of fused
    operations with semicolons. Two kinds of operations lack a layer's name: those that produce an
    output of the file, which have the output's name, and those outside any layer, such as a
    reshape between layers.

    Args:
        tensor: Name of the tensor.
        float_layers: Reasons by layer name, from
            `pan_keras.deploy.graph.precision.float_layers`.

    Example:
        >>> reason("pa_norm_1/Sqrt;add_1/Add", {"pa_norm": "squares"})
        'squares'
    """
    return next((why for layer, why in float_layers.items() if _made_in(layer, tensor)), None)


def _made_in(layer: str, tensor: str) -> bool:
    return re.search(rf"(^|[/;]){re.escape(layer)}(_\d+)?/", tensor) is not None
