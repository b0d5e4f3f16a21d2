"""Format-independent listing of the operations and tensors of a model file."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


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


@dataclass(frozen=True)
class Listing:
    """The contents of a model file.

    Args:
        inputs: What it takes, by name.
        outputs: What it gives, by name.
        operations: In the order in which they run.
        signatures: Names under which a graph can be called; ONNX has none.
        graphs: Number of graphs; more than one where there are loops or branches.
    """

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    operations: tuple[Operation, ...]
    signatures: tuple[str, ...] = ()
    graphs: int = 1

    def counts(self) -> dict[str, int]:
        """How often each operation occurs, most frequent first."""
        return dict(Counter(operation.name for operation in self.operations).most_common())


GIVEN_OUT = "gives an output, which is float"
NO_FORM = "the quantiser has no form of it in eight bits"


def reason(tensor: str, float_layers: Mapping[str, str]) -> str | None:
    """Why the operation that makes a tensor is left in float; None if it is not.

    Both converters keep the name of the Keras layer that an operation comes from as a part of its
    tensor's name, in front of a slash, with a number that TensorFlow appends; the TFLite converter
    joins the names of operations that it fuses by semicolons. Two kinds of operations do not bear
    their layer's name: those that give an output of the file, which bear the output's, and those of
    no layer, such as a reshaping between layers.

    Args:
        tensor: Its name.
        float_layers: The reason by the name of the layer, as
            `pan_keras.deploy.graph.precision.float_layers` gives it.

    Example:
        >>> reason("pa_norm_1/Sqrt;add_1/Add", {"pa_norm": "squares"})
        'squares'
    """
    return next((why for layer, why in float_layers.items() if _made_in(layer, tensor)), None)


def _made_in(layer: str, tensor: str) -> bool:
    return re.search(rf"(^|[/;]){re.escape(layer)}(_\d+)?/", tensor) is not None
