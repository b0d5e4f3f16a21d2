"""Writes PyTorch's stream of before 1.6, without PyTorch: every version of PyTorch reads it."""

import math
import pickle
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from pan_keras.checkpoints.tensors import ELEMENT_TYPES
from pan_keras.checkpoints.torch_legacy import COUNT, MAGIC, PROTOCOL

SYSTEM = {
    "protocol_version": PROTOCOL,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}
STORAGES = {np.dtype(e.numpy): e.storage for e in ELEMENT_TYPES if not e.wide}
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"


def write_torch(tensors: Mapping[str, np.ndarray], file: BinaryIO) -> None:
    """Writes a state_dict as `torch.save` would.

    Args:
        tensors: C-contiguous arrays by key.
        file: Open for writing.
    """
    for value in (MAGIC, PROTOCOL, SYSTEM):
        file.write(pickle.dumps(value, 2))
    items = (
        _value(key) + _tensor(str(number), array)
        for number, (key, array) in enumerate(tensors.items())
    )
    file.write(b"\x80\x02" + ORDERED_DICT + b"(" + b"".join(items) + b"u.")
    file.write(pickle.dumps([str(number) for number in range(len(tensors))], 2))
    for array in tensors.values():
        file.write(COUNT.pack(array.size) + array.tobytes())


def _value(value: Any) -> bytes:
    """Operations that push a plain value: its pickle, without the beginning and the end."""
    return pickle.dumps(value, 2)[2:-1]


def _tensor(storage: str, array: np.ndarray) -> bytes:
    """Operations that push a tensor, which has a storage of its own."""
    kind = f"ctorch\n{STORAGES[array.dtype]}\n".encode()
    identity = b"(" + _value("storage") + kind + _value(storage) + _value("cpu")
    identity += _value(array.size) + b"Nt"
    strides = tuple(math.prod(array.shape[axis + 1 :]) for axis in range(array.ndim))
    place = _value(0) + _value(array.shape) + _value(strides)
    return TENSOR + b"(" + identity + b"Q" + place + b"\x89" + ORDERED_DICT + b"tR"
