"""An exported model file and its properties."""

from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["tflite", "onnx"]
Precision = Literal["float32", "float16", "dynamic", "int8"]

FORMATS: tuple[Format, ...] = ("tflite", "onnx")
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "dynamic", "int8")


@dataclass(frozen=True)
class StateTensor:
    """A state tensor of a streaming model, both an input and an updated output.

    In TFLite, input and output have the same name. In ONNX, where tensor names are unique, the
    output of `state_0` is `next_state_0`.

    Args:
        name: `state_0`, `state_1`, ...
        shape: All dimensions; at most four.
        dtype: NumPy's name of the type. All zeros start a stream.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Artefact:
    """One exported model.

    Its signature is `serve`: the input `frames` uint8 `(N * m, H, W, 3)`, the output `logits`
    float32 `(1, classes)`, and the output `motion` on request. A streaming model takes the frames
    `(m, H, W, 3)` of one segment and the states, and returns the logits and the new states.

    Args:
        format: File format.
        precision: Precision of weights and activations.
        streaming: Whether one call takes one segment instead of a clip.
        content: Content of the file.
        facts: Its entry in the bundle, ready for JSON: `ops` (name: count), `float_ops` (name:
            reason for staying in float) and `calibration_clips` of int8, `converter`, `quantiser`,
            `opset`, and the minimum `runtime` of TFLite.
        states: The state tensors of a streaming model.

    Example:
        >>> artefact = to_tflite(model, "int8", calibration=clips)
        >>> Path("model.tflite").write_bytes(artefact.content)
    """

    format: Format
    precision: Precision
    streaming: bool
    content: bytes
    facts: dict[str, Any] = field(default_factory=dict)
    states: tuple[StateTensor, ...] = ()


def state_tensors(graph: Any) -> tuple[StateTensor, ...]:
    """Returns the states of a streaming graph, all inputs except the frames, ordered by number."""
    states = [each for each in graph.inputs if each.name != "frames"]
    states.sort(key=lambda each: int(each.name.rpartition("_")[2]))
    return tuple(StateTensor(each.name, tuple(each.shape), each.dtype) for each in states)
