"""One model file of a bundle, as `model.json` describes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from pan_keras.runtime.engine import Tensors
from pan_keras.runtime.loading import RUNTIMES, is_installed

LARGEST_TENSOR = 2**30  # elements
DTYPES = ("bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64")


@dataclass(frozen=True)
class Entry:
    """One model file.

    Args:
        file: Its name in the bundle.
        format: `"tflite"` or `"onnx"`.
        precision: `"float32"`, `"float16"`, `"dynamic"` or `"int8"`.
        streaming: Whether one call takes one segment instead of a clip.
        sha256: Checksum.
        classes: Logits that it gives.
        inputs: Shape and dtype of each input by name; a free dimension is -1.
        outputs: The same of each output.
        states: Shape and dtype of each state tensor by name, none for a clip model.
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
    states: Tensors
    facts: Mapping[str, Any]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Entry":
        """Reads an element of `artefacts`.

        Raises:
            KeyError, TypeError, ValueError: If it is not of its form.
        """
        if record["format"] not in RUNTIMES:
            raise ValueError(f"{record['format']!r} is no format")
        outputs = _tensors(record["signature"]["outputs"])
        return cls(
            file=_text(record["file"]),
            format=record["format"],
            precision=_text(record["precision"]),
            streaming=bool(record["streaming"]),
            sha256=_text(record["sha256"]),
            classes=(outputs["logits"][0] or (0,))[-1],
            inputs=_tensors(record["signature"]["inputs"]),
            outputs=outputs,
            states=_tensors(record["states"]),
            facts=record,
        )

    @property
    def is_runnable(self) -> bool:
        """Whether this machine has the runtime for it."""
        return is_installed(self.format)


def _tensors(records: Sequence[Mapping[str, Any]]) -> Tensors:
    """Shape and dtype by name."""
    tensors = {
        _text(record["name"]): (tuple(map(int, record["shape"])), _text(record["dtype"]))
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
