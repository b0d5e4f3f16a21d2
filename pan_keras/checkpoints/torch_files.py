"""Reads both of PyTorch's file formats and writes the older one, without PyTorch.

Since 1.6 a file is a zip archive of a pickle and one entry per storage. Before, it was a stream of
pickles followed by the storages, a format that every version of PyTorch reads.
"""

import math
import pickle
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from pan_keras.checkpoints.archive import Archive
from pan_keras.checkpoints.pickle_machine import PickleMachine
from pan_keras.checkpoints.tensors import ELEMENT_TYPES, NAMES, Storages
from pan_keras.errors import CheckpointError

PICKLE = "data.pkl"
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
COUNT = struct.Struct("<q")
SYSTEM = {
    "protocol_version": PROTOCOL,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}
STORAGES = {np.dtype(e.numpy): e.storage for e in ELEMENT_TYPES if not e.wide}
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"


def read_torch_zip(archive: Archive) -> tuple[Any, dict[str, memoryview]]:
    """Returns the object in a zip file, and the bytes of its storages.

    Args:
        archive: The file.

    Returns:
        The object, with a `StoredTensor` for each tensor, and the bytes by storage.

    Raises:
        CheckpointError: If the file is damaged, or holds more than tensors and plain values.
    """
    pickles = [name for name in archive.entries if name.rpartition("/")[2] == PICKLE]
    if len(pickles) != 1:
        raise CheckpointError(f"it has {len(pickles)} entries {PICKLE}; PyTorch writes one")
    folder = pickles[0].removesuffix(PICKLE)
    order = f"{folder}byteorder"
    if order in archive.entries and bytes(archive.stored(order)) != b"little":
        raise CheckpointError("it was written on a big-endian machine; save it again on another")
    storages = Storages()
    program = archive.stored(pickles[0])
    machine = PickleMachine(program, 0, NAMES, storages.persistent)
    value = machine.run()
    if machine.position != len(program):
        raise CheckpointError("its pickle goes on after its end")
    names = {key: f"{folder}data/{key}" for key in storages}
    for key, storage in storages.items():
        info = archive.entries.get(names[key])
        if info is None or info.file_size != storage.bytes:
            size = "missing" if info is None else f"{info.file_size:,} bytes long"
            raise CheckpointError(
                f"the storage {key!r} is {size}; it must have {storage.bytes:,} bytes"
            )
    return value, _Contents(archive, names)


class _Contents(dict[str, memoryview]):
    """The bytes of storages, checked on first access, so unused ones (momentum) are skipped."""

    def __init__(self, archive: Archive, names: dict[str, str]):
        super().__init__()
        self._archive = archive
        self._names = names

    def __missing__(self, key: str) -> memoryview:
        self[key] = self._archive.stored(self._names[key])
        return self[key]


def read_torch_legacy(data: memoryview) -> tuple[Any, dict[str, memoryview]]:
    """Returns the object in a legacy file, and the bytes of its storages.

    Args:
        data: The whole file.

    Returns:
        The object, with a `StoredTensor` for each tensor, and the bytes by storage.

    Raises:
        CheckpointError: If the file is damaged, or holds more than tensors and plain values.
    """
    magic, position = _plain_pickle(data, 0)
    if magic != MAGIC:
        raise CheckpointError("it is a pickle, but not from torch.save")
    protocol, position = _plain_pickle(data, position)
    if protocol != PROTOCOL:
        raise CheckpointError(f"it has another version of PyTorch's stream than {PROTOCOL}")
    system, position = _plain_pickle(data, position)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CheckpointError("it was written on a big-endian machine; save it again on another")
    storages = Storages()
    machine = PickleMachine(data, position, NAMES, storages.persistent)
    value = machine.run()
    keys, position = _plain_pickle(data, machine.position)
    if not isinstance(keys, list) or any(type(key) is not str for key in keys):
        raise CheckpointError("the list of its storages is not a list of keys")
    if len(set(keys)) != len(keys) or set(keys) != set(storages):
        raise CheckpointError("the list of its storages does not fit its tensors")
    contents = {}
    for key in keys:
        storage = storages[key]
        start = position + COUNT.size
        if start + storage.bytes > len(data):
            raise CheckpointError(
                f"it ends in the storage {key!r}, which would take {storage.bytes:,} bytes"
            )
        (count,) = COUNT.unpack_from(data, position)
        if count != storage.count:
            raise CheckpointError(
                f"the storage {key!r} has {count:,} numbers, not {storage.count:,}"
            )
        position = start + storage.bytes
        contents[key] = data[start:position]
    if position != len(data):
        raise CheckpointError(f"it has {len(data) - position:,} bytes after its end")
    return value, contents


def _plain_pickle(data: memoryview, start: int) -> tuple[Any, int]:
    """Reads a pickle without tensors; returns its object and the position of its end."""
    machine = PickleMachine(data, start, {})
    return machine.run(), machine.position


def write_torch(tensors: Mapping[str, np.ndarray], file: BinaryIO) -> None:
    """Writes a state_dict as `torch.save` did before 1.6.

    Args:
        tensors: C-contiguous arrays by key.
        file: File open for binary writing.
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
    """Returns the operations that push a plain value: its pickle without header and end."""
    return pickle.dumps(value, 2)[2:-1]


def _tensor(storage: str, array: np.ndarray) -> bytes:
    """Returns the operations that push a tensor with its own storage."""
    kind = f"ctorch\n{STORAGES[array.dtype]}\n".encode()
    identity = b"(" + _value("storage") + kind + _value(storage) + _value("cpu")
    identity += _value(array.size) + b"Nt"
    strides = tuple(math.prod(array.shape[axis + 1 :]) for axis in range(array.ndim))
    place = _value(0) + _value(array.shape) + _value(strides)
    return TENSOR + b"(" + identity + b"Q" + place + b"\x89" + ORDERED_DICT + b"tR"
