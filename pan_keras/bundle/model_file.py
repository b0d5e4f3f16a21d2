"""Reads files of untrusted bundles: a hostile file raises an error and does no harm."""

import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pan_keras.bundle.schema import OLDEST, SCHEMA_VERSION
from pan_keras.errors import UserError

FACTS = "model.json"
LARGEST_FACTS = 64 * 2**20
LARGEST_FILE = 2**31  # limit of the formats TFLite and ONNX themselves


def read_facts(path: Path) -> dict[str, Any]:
    """Reads `model.json` of a bundle, in the version it was written in.

    Args:
        path: The folder.

    Raises:
        UserError: If there is none, or it is not JSON of a version that this package reads.
    """
    if not (path / FACTS).is_file():
        raise UserError(
            f"{path}: not a bundle (no {FACTS}); give a folder that pan-keras export wrote"
        )
    content = read_file(path / FACTS, LARGEST_FACTS)
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise UserError(f"{path / FACTS}: not JSON ({reason}); export the bundle again") from None
    if not isinstance(facts, dict):
        raise UserError(f"{path / FACTS}: not a JSON object; export the bundle again")
    version = facts.get("schema_version")
    if type(version) is not int or not OLDEST <= version <= SCHEMA_VERSION:
        raise UserError(
            f"{path / FACTS}: has schema version {version!r:.20}, but this pan-keras reads "
            f"{OLDEST} to {SCHEMA_VERSION}; install the pan-keras that wrote it, or export it again"
        )
    return facts


def read_file(file: Path, largest: int = LARGEST_FILE) -> bytes:
    """Reads a regular file of at most `largest` bytes.

    Raises:
        UserError: If it is missing, a device, a pipe or too large.
    """
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{file}: not a regular file; copy the bundle again")
        if status.st_size > largest:
            raise UserError(f"{file}: {status.st_size:,} bytes, too large; export the bundle again")
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: not readable ({error.strerror}); copy the bundle again") from None


def check_names(path: Path, names: Mapping[str, Any]) -> None:
    """Checks that names stay inside a bundle and that their files exist.

    Args:
        path: The folder.
        names: Checksums by file name.

    Raises:
        UserError: If a name leads out of the folder, a file is missing or a checksum is not text.
    """
    for name, checksum in names.items():
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or "\\" in name or "\0" in name:
            raise UserError(
                f"{path / FACTS}: names a file outside the bundle ({name}); do not use it"
            )
        if not isinstance(checksum, str):
            raise UserError(
                f"{path / FACTS}: malformed (the checksum of {name} is not text); export it again"
            )
        if not (path / name).is_file():
            raise UserError(f"{path / name}: missing from the bundle; export it again")


SIGNATURE = "serve"
# By format: the module to import, and the extra that installs it.
RUNTIMES = {"tflite": ("ai_edge_litert", "litert"), "onnx": ("onnxruntime", "onnx")}
LARGEST_TENSOR = 2**30  # elements
DTYPES = ("bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64")


class Tensor(NamedTuple):
    """Shape and dtype of an input or output; a free dimension is -1."""

    shape: tuple[int, ...]
    dtype: str


class State(NamedTuple):
    """Shape and dtype of a state, and the output that holds its value for the next call."""

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

    Example:
        >>> (entry, *_) = Bundle.open("runs/demo/bundle").entries
        >>> entry.file, entry.format, entry.inputs["frames"].dtype
        ('model_float32.tflite', 'tflite', 'uint8')
        >>> ModelFile.read(entry.facts).file
        'model_float32.tflite'
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

        Args:
            record: The element.

        Returns:
            The model file.

        Raises:
            KeyError, TypeError, ValueError: If it is not of its form.
        """
        if record["format"] not in RUNTIMES:
            raise ValueError(f"{record['format']!r} is not a known format")
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
    """Tells whether the runtime of a format is installed."""
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
        raise ValueError(f"{value!r:.60} is not text")
    return value
