"""One model file of a bundle, as `model.json` describes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from typing import Any, NamedTuple

SIGNATURE = "serve"
# By format: the module to import, and the extra that brings it.
RUNTIMES = {"tflite": ("ai_edge_litert", "litert"), "onnx": ("onnxruntime", "onnx")}
LARGEST_TENSOR = 2**30  # elements
DTYPES = ("bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64")


class Tensor(NamedTuple):
    """Shape and dtype of an input or output; a free dimension is -1."""

    shape: tuple[int, ...]
    dtype: str


class State(NamedTuple):
    """Shape and dtype of a state, and the output that gives its value for the next call."""

    shape: tuple[int, ...]
    dtype: str
    output: str


Tensors = Mapping[str, Tensor]
States = Mapping[str, State]


@dataclass(frozen=True)
class ModelFile:
    """One model file.

    Args:
        file: Its name in the bundle.
        format: `"tflite"` or `"onnx"`.
        precision: `"float32"`, `"float16"`, `"dynamic"` or `"int8"`.
        streaming: Whether one call takes one segment instead of a clip.
        sha256: Checksum.
        classes: Number of logits.
        inputs: Each input by name.
        outputs: Each output by name.
        states: Each state by the name of its input; none for a clip model. All zeros start a
            stream.
        facts: All that `model.json` says of it.
    """

    file: str
    format: str
    precision: str
    streaming: bool
    sha256: str
    classes: int
    inputs: Tensors
    outputs: Tensors
    states: States
    facts: Mapping[str, Any]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "ModelFile":
        """Reads an element of `artefacts`.

        Raises:
            KeyError, TypeError, ValueError: If it is not of its form.
        """
        if record["format"] not in RUNTIMES:
            raise ValueError(f"{record['format']!r} is no format")
        outputs = _tensors(record["signature"]["outputs"])
        states = _tensors(record["states"])
        taken = {state["name"]: _text(state["output"]) for state in record["states"]}
        return cls(
            file=_text(record["file"]),
            format=record["format"],
            precision=_text(record["precision"]),
            streaming=bool(record["streaming"]),
            sha256=_text(record["sha256"]),
            classes=(outputs["logits"].shape or (0,))[-1],
            inputs=_tensors(record["signature"]["inputs"]),
            outputs=outputs,
            states={name: State(*tensor, taken[name]) for name, tensor in states.items()},
            facts=record,
        )

    @property
    def is_runnable(self) -> bool:
        """Whether the runtime for it is installed."""
        return is_installed(self.format)


def is_installed(file_format: str) -> bool:
    """Whether the runtime of a format is installed."""
    return find_spec(RUNTIMES[file_format][0]) is not None


def _tensors(records: Sequence[Mapping[str, Any]]) -> Tensors:
    tensors = {
        _text(record["name"]): Tensor(tuple(map(int, record["shape"])), _text(record["dtype"]))
        for record in records
    }
    for name, (shape, dtype) in tensors.items():
        if any(side < -1 for side in shape) or abs(prod(shape)) > LARGEST_TENSOR:
            raise ValueError(f"the tensor {name} has the shape {shape}")
        if dtype not in DTYPES:
            raise ValueError(f"the tensor {name} is {dtype!r:.20}")
    return tensors


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.60} is no text")
    return value
