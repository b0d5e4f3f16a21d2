"""An exported model file and its properties."""

from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["tflite", "onnx"]
Precision = Literal["float32", "float16", "dynamic", "int8"]

FORMATS: tuple[Format, ...] = ("tflite", "onnx")
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "dynamic", "int8")


@dataclass(frozen=True)
class StateTensor:
    """A tensor that a streaming model takes in and gives back, changed.

    In TFLite it comes out under the same name. In ONNX, where a name stands for one tensor,
    `next_state_0` comes out for `state_0`.

    Args:
        name: `state_0`, `state_1`, ...
        shape: All dimensions; at most four.
        dtype: As NumPy calls it. All zeros start a stream.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Artefact:
    """One exported model.

    Its signature is `serve`: `frames` uint8 `(N * m, H, W, 3)` in, `logits` float32 `(1, classes)`
    out, and `motion` where it was asked for. A streaming model takes the `(m, H, W, 3)` frames of
    one segment and the states, and gives the logits and the states back.

    Args:
        format: Of the file.
        precision: What the numbers inside are.
        streaming: Whether one call takes one segment instead of a clip.
        content: The file.
        facts: What the bundle tells of it, ready for JSON: `ops` (name: count), `float_ops` (name:
            why it is left in float) and `calibration_clips` of int8, and what made it
            (`converter`, `quantiser`, `opset`), and the `runtime` that it needs, of TFLite.
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
    """The states of a streaming graph, its inputs but the frames, in the order of their numbers."""
    states = [each for each in graph.inputs if each.name != "frames"]
    states.sort(key=lambda each: int(each.name.rpartition("_")[2]))
    return tuple(StateTensor(each.name, tuple(each.shape), each.dtype) for each in states)
