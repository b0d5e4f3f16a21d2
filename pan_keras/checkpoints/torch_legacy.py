"""PyTorch's stream of before 1.6: pickles, one after the other, then the storages."""

import struct
from typing import Any

from pan_keras.checkpoints.checkpoint_error import CheckpointError
from pan_keras.checkpoints.pickle_machine import PickleMachine
from pan_keras.checkpoints.tensors import NAMES, Storages

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
COUNT = struct.Struct("<q")


def read_torch_legacy(data: memoryview) -> tuple[Any, dict[str, memoryview]]:
    """The object of a legacy file, and the bytes of its storages.

    Args:
        data: The whole file.

    Returns:
        The object, with a `StoredTensor` for each tensor, and the bytes by storage.

    Raises:
        CheckpointError: If the file is damaged, or holds more than tensors and plain values.
    """
    magic, position = _plain(data, 0)
    if magic != MAGIC:
        raise CheckpointError("it is a pickle, but not of torch.save")
    protocol, position = _plain(data, position)
    if protocol != PROTOCOL:
        raise CheckpointError(f"it has another version of PyTorch's stream than {PROTOCOL}")
    system, position = _plain(data, position)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CheckpointError("it was written on a big-endian machine; save it again on another")
    storages = Storages()
    machine = PickleMachine(data, position, NAMES, storages.persistent)
    value = machine.run()
    keys, position = _plain(data, machine.position)
    if not isinstance(keys, list) or any(type(key) is not str for key in keys):
        raise CheckpointError("the list of its storages is no list of keys")
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


def _plain(data: memoryview, start: int) -> tuple[Any, int]:
    """A pickle that holds no tensors, and where it ends."""
    machine = PickleMachine(data, start, {})
    return machine.run(), machine.position
