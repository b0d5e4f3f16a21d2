"""Reads and writes safetensors files: a JSON header followed by the data."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from pan_keras.checkpoints.tensors import ELEMENT_TYPES, is_shape
from pan_keras.errors import CheckpointError

LENGTH = 8
LONGEST_HEADER = 100_000_000
METADATA = "__metadata__"
READABLE = {element.safetensors: element for element in ELEMENT_TYPES}
WRITABLE = {np.dtype(e.numpy): e.safetensors for e in ELEMENT_TYPES if not e.wide}


def is_safetensors(data: memoryview) -> bool:
    """Returns whether a file starts like a safetensors file."""
    return len(data) > LENGTH and data[LENGTH] == ord("{")


def read_safetensors(data: memoryview) -> dict[str, np.ndarray]:
    """Returns the tensors of a file by name, as views of it.

    Args:
        data: The whole file.

    Raises:
        CheckpointError: If the file is damaged.

    References:
        https://github.com/huggingface/safetensors: the format.
    """
    length = int.from_bytes(data[:LENGTH], "little")
    if length > min(len(data) - LENGTH, LONGEST_HEADER):
        raise CheckpointError(f"its header would take {length:,} bytes")
    try:
        header = json.loads(bytes(data[LENGTH : LENGTH + length]), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise CheckpointError("its header is damaged") from None
    if not isinstance(header, dict):
        raise CheckpointError("its header is damaged")
    header.pop(METADATA, None)
    numbers = data[LENGTH + length :]
    tensors, spans = {}, []
    for name, entry in header.items():
        start, end, tensors[name] = _tensor(name, entry, numbers)
        spans.append((start, end))
    reached = 0
    for start, end in sorted(spans):
        if start != reached:
            raise CheckpointError("its tensors overlap, or leave a gap")
        reached = end
    if reached != len(numbers):
        raise CheckpointError(f"it has {len(numbers) - reached:,} bytes after its last tensor")
    return tensors


def write_safetensors(tensors: Mapping[str, np.ndarray], file: BinaryIO) -> None:
    """Writes tensors to a safetensors file.

    Args:
        tensors: C-contiguous numeric arrays by name.
        file: File open for binary writing.
    """
    header, end = {}, 0
    for name, array in tensors.items():
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": WRITABLE[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % LENGTH)  # aligns the data
    file.write(len(text).to_bytes(LENGTH, "little") + text)
    for array in tensors.values():
        file.write(array.data)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CheckpointError("its header names a tensor twice")
    return found


def _tensor(name: str, entry: Any, numbers: memoryview) -> tuple[int, int, np.ndarray]:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise CheckpointError(f"its header does not describe {name!r}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    element = READABLE.get(entry["dtype"]) if type(entry["dtype"]) is str else None
    if element is None:
        raise CheckpointError(f"{name!r} has an unknown type")
    if type(shape) is not list or not is_shape(shape):
        raise CheckpointError(f"{name!r} has an impossible shape")
    if type(offsets) is not list or [type(offset) for offset in offsets] != [int, int]:
        raise CheckpointError(f"{name!r} has no offsets in the file")
    start, end = offsets
    if not 0 <= start <= end <= len(numbers):
        raise CheckpointError(f"{name!r} lies outside the file")
    return start, end, element.decode(numbers[start:end], shape, "C")
