"""What is in a model file, whatever its format."""

from collections import Counter
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
