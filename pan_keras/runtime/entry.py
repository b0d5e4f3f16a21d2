"""One model file of a bundle, as `model.json` describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pan_keras.runtime.engine import Tensors
from pan_keras.runtime.loading import RUNTIMES, is_installed


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
        states: Shape and dtype of each state tensor by name, none for a clip model.
        facts: All that `model.json` says of it.
    """

    file: str
    format: str
    precision: str
    streaming: bool
    sha256: str
    classes: int
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
        outputs = {output["name"]: output for output in record["signature"]["outputs"]}
        return cls(
            file=str(record["file"]),
            format=record["format"],
            precision=str(record["precision"]),
            streaming=bool(record["streaming"]),
            sha256=str(record["sha256"]),
            classes=int(outputs["logits"]["shape"][-1]),
            states={
                state["name"]: (tuple(map(int, state["shape"])), str(state["dtype"]))
                for state in record["states"]
            },
            facts=record,
        )

    @property
    def is_runnable(self) -> bool:
        """Whether this machine has the runtime for it."""
        return is_installed(self.format)
