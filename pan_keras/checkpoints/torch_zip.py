"""PyTorch's zip file, from 1.6 on: a pickle, and an entry for each storage."""

from typing import Any

from pan_keras.checkpoints.archive import Archive
from pan_keras.checkpoints.checkpoint_error import CheckpointError
from pan_keras.checkpoints.pickle_machine import PickleMachine
from pan_keras.checkpoints.tensors import NAMES, Storages

PICKLE = "data.pkl"


def read_torch_zip(archive: Archive) -> tuple[Any, dict[str, memoryview]]:
    """The object of a zip file, and the bytes of its storages.

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
    """The bytes of storages, checked when they are first asked for: momentum never is."""

    def __init__(self, archive: Archive, names: dict[str, str]):
        super().__init__()
        self._archive = archive
        self._names = names

    def __missing__(self, key: str) -> memoryview:
        self[key] = self._archive.stored(self._names[key])
        return self[key]
