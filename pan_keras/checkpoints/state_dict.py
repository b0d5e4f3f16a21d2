"""Reads and writes the state_dict of a checkpoint in all supported file formats."""

import mmap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.checkpoints.archive import Archive
from pan_keras.checkpoints.numpy_archive import SUFFIX, read_numpy_archive
from pan_keras.checkpoints.safetensors import is_safetensors, read_safetensors, write_safetensors
from pan_keras.checkpoints.tensors import StoredTensor
from pan_keras.checkpoints.torch_files import read_torch_legacy, read_torch_zip, write_torch
from pan_keras.checkpoints.weights import COUNTER, named_weights
from pan_keras.errors import CheckpointError, UserError
from pan_keras.files import replacing
from pan_keras.models import VideoNetwork

ZIP = b"PK\x03\x04"
PICKLE = b"\x80"
# Keys under which checkpoints store their state_dict, if not at the top level.
ENTRIES = ("state_dict", "model", "model_state_dict")
# Prefixes that wrappers add to all weight names: data parallelism, trainers that hold the network
# as an attribute, and torch.compile, which may also wrap a submodule.
WRAPPERS = ("module.", "model.")
COMPILED = "_orig_mod."
# Tensors may share storage, but reading them all must not take far more memory than the file.
MOST_SHARED = 2
LONGEST_REASON = 2000


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the weights of a checkpoint without PyTorch and without executing the file.

    Args:
        path: A file written by `torch.save` (zip format, or legacy format before 1.6; tensors on
            any device), a `.safetensors` or a `.npz`. Plain values and tensors that a checkpoint
            holds besides its state_dict are ignored.

    Returns:
        Read-only arrays by key, with the shapes in the file; views of it where possible. Wrapper
        prefixes common to all keys (`module.`, `model.`, `_orig_mod.`, in any combination) are
        removed; bfloat16 becomes float32.

    Raises:
        UserError: If the file has another format, is damaged, holds no state_dict, or uses
            anything that a state_dict does not need.

    Example:
        >>> read_state_dict("PAN_Lite_resnet50.pth.tar")["base_model.conv1.weight"].shape
        (64, 6, 7, 7)
    """
    with described(path):
        return _unwrapped(_read(map_file(Path(path))))


@contextmanager
def described(path: str | Path) -> Iterator[None]:
    """Turns a CheckpointError into a UserError that names the file."""
    try:
        yield
    except CheckpointError as error:
        raise UserError(f"{path}: {str(error)[:LONGEST_REASON]}") from None


def map_file(path: Path) -> memoryview:
    """Maps a file into memory, to be read from disk on access.

    Raises:
        UserError: If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            if not file.seek(0, 2):
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise UserError(f"{path}: not readable ({error.strerror}); give a checkpoint") from None


def _read(data: memoryview) -> dict[str, np.ndarray]:
    if data[: len(ZIP)] == ZIP:
        archive = Archive(data)
        if any(name.endswith(SUFFIX) for name in archive.entries):
            return _filled(read_numpy_archive(archive))
        return _tensors(*read_torch_zip(archive), len(data))
    if is_safetensors(data):
        return _filled(read_safetensors(data))
    if data[: len(PICKLE)] == PICKLE:
        return _tensors(*read_torch_legacy(data), len(data))
    raise CheckpointError("it is not a file of torch.save, safetensors or NumPy (.npz)")


def _unwrapped(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    names = {key: key.replace(COMPILED, "") for key in state}
    while prefix := _common_wrapper(names.values()):
        names = {key: name.removeprefix(prefix) for key, name in names.items()}
    if len(set(names.values())) < len(names):
        raise CheckpointError("two of its weights have the same name apart from a wrapper's prefix")
    return {names[key]: array for key, array in state.items()}


def _common_wrapper(names: Iterable[str]) -> str | None:
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) and name != prefix for name in names):
            return prefix
    return None


def _filled(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not state:
        raise CheckpointError("it holds no tensor")
    return state


def _tensors(value: Any, contents: Mapping[str, memoryview], size: int) -> dict[str, np.ndarray]:
    entries = value if isinstance(value, dict) else {}
    for candidate in (entries, *(entries.get(name) for name in ENTRIES)):
        if isinstance(candidate, dict) and candidate and all(map(_is_weight, candidate.items())):
            if sum(tensor.bytes for tensor in candidate.values()) > MOST_SHARED * size:
                raise CheckpointError("its tensors are larger together than the file")
            return {key: tensor.read(contents) for key, tensor in candidate.items()}
    found = ", ".join(map(str, list(entries)[:10])) if entries else type(value).__name__
    raise CheckpointError(f"it holds {found} instead of a state_dict")


def _is_weight(item: tuple[Any, Any]) -> bool:
    key, tensor = item
    return type(key) is str and isinstance(tensor, StoredTensor)


VARIANCE = "running_var"
SAFETENSORS = ".safetensors"
TORCH = (".pth", ".pt", ".tar")


def state_dict_of(
    network: VideoNetwork, counts: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
    """Returns a network's weights as the authors' code would save them.

    Args:
        network: PAN_Lite, or a single PA or RGB branch.
        counts: Number of batches seen by each batch normalisation, by key, which Keras does not
            store; by default 0 for all.

    Returns:
        float32 arrays by key, in PyTorch's shapes, and the counts.

    Raises:
        CheckpointError: If a layer has no name in the authors' code.

    Example:
        >>> state = state_dict_of(models.create("pan_lite_micro", classes=8, size=32))
        >>> state["PA.shallow_conv.weight"].shape
        (8, 3, 7, 7)
    """
    state = {}
    for weight in named_weights(network):
        state[weight.key] = weight.as_torch()
        if weight.key.endswith(VARIANCE):
            counter = weight.key.replace(VARIANCE, COUNTER)
            if counts is None or counter in counts:
                state[counter] = np.array((counts or {}).get(counter, 0), "<i8")
    return state


def save_state_dict(
    network: VideoNetwork, path: str | Path, counts: Mapping[str, int] | None = None
) -> None:
    """Writes a network's weights as a state_dict that PyTorch loads.

    Args:
        network: As for `state_dict_of`.
        path: The file: `.pth`, `.pt` or `.pth.tar` for PyTorch, in a format that all its versions
            read, or `.safetensors`.
        counts: As for `state_dict_of`.

    Raises:
        UserError: If the suffix is not one of these, or a layer has no name in the authors' code.

    Example:
        >>> model = models.create("pan_lite_micro", classes=8, size=32)
        >>> save_state_dict(model, "pan_lite.pth.tar")
        >>> read_state_dict("pan_lite.pth.tar")["base_model.conv1.weight"].shape
        (16, 6, 3, 3)
    """
    path = Path(path)
    if path.suffix not in (*TORCH, SAFETENSORS):
        raise UserError(f"{path}: the name must end in {', '.join((*TORCH, SAFETENSORS))}")
    with described(path):
        state = state_dict_of(network, counts)
    with replacing(path) as temporary, temporary.open("wb") as file:
        (write_safetensors if path.suffix == SAFETENSORS else write_torch)(state, file)
