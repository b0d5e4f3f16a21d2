"""Reads a backbone's weights from an untrusted `keras.applications` file."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import keras
import numpy as np

from pan_keras import backbones, models
from pan_keras.checkpoints.imagenet import absorb
from pan_keras.errors import CheckpointError
from pan_keras.models.loading import check_keras_file
from pan_keras.models.networks import flat_layers

HDF5 = (".h5", ".hdf5")
KERAS = ".keras"
SUFFIXES = (*HDF5, KERAS)
# Networks have a few hundred layers in shallowly nested groups.
MOST_ENTRIES = 100_000
DEEPEST = 16
MOST_UNPACKED = 4

Arrays = Mapping[str, Mapping[str, np.ndarray]]


def is_application(file: Path | str) -> bool:
    """Returns whether a file holds a `keras.applications` network that a backbone can start from.

    Args:
        file: A `.h5`, `.hdf5` or `.keras` file.

    Returns:
        True also for networks without a classifier, or nested in another network.

    Example:
        >>> is_application("runs/demo/model.keras")
        False
    """
    return application_of(file) is not None


def application_of(file: Path | str) -> str | None:
    """Returns the backbone whose `keras.applications` weights a file holds, if any.

    Args:
        file: A `.h5`, `.hdf5` or `.keras` file.

    Returns:
        Registered name; None for any other file, or one that cannot be read.
    """
    file = Path(file)
    try:
        layers = _layer_names(file)
    except (CheckpointError, OSError):
        return None
    for name in backbones.names():
        source = backbones.get(name).pretrained
        if source is not None and source.landmark and source.landmark in layers:
            return name
    return None


def application_state(file: Path | str, backbone: str) -> dict[str, np.ndarray]:
    """Returns a backbone's weights under torchvision's names, adapted to this package.

    The classifier and anything else in the file are ignored.

    Args:
        file: HDF5 as written by Keras 2 and `model.save("x.h5")`, or a `.keras` file.
        backbone: Registered name of a backbone available in `keras.applications`.

    Raises:
        CheckpointError: If the file is damaged or holds another network.
    """
    file = Path(file)
    registered = backbones.get(backbone)
    source = registered.pretrained
    if source is None:
        raise CheckpointError(f"keras.applications has no {backbone}; set another model.name")
    network = source.make(include_top=False, weights=None, input_shape=(224, 224, 3))
    names = {layer.name for layer in network.layers if layer.weights}
    arrays = _from_keras(file, names) if file.suffix == KERAS else _from_hdf5(file, names)
    _fill(network, arrays, backbone)
    return absorb(network, source, registered.kind.normalisation)


def _fill(network: keras.Model, arrays: Arrays, backbone: str) -> None:
    for layer in network.layers:
        values = []
        for weight in layer.weights:
            value = arrays.get(layer.name, {}).get(weight.name)
            place = f"{layer.name}/{weight.name}"
            if value is None:
                raise CheckpointError(
                    f"it is not a {backbone} of keras.applications: it lacks {place}"
                )
            if value.shape != tuple(weight.shape) or value.dtype.kind != "f":
                raise CheckpointError(
                    f"{place} is {value.dtype} {value.shape} instead of {tuple(weight.shape)}; "
                    f"give a file of {backbone} with width 1"
                )
            values.append(value)
        layer.set_weights(values)


def _from_keras(file: Path, names: set[str]) -> Arrays:
    try:
        model = models.load(file)
    except ValueError as error:
        raise CheckpointError(str(error).partition(": ")[2] or str(error)) from None
    return {
        layer.name: {weight.name: np.asarray(weight) for weight in layer.weights}
        for layer in flat_layers(model)
        if layer.name in names
    }


def _from_hdf5(file: Path, names: set[str]) -> Arrays:
    arrays: dict[str, dict[str, np.ndarray]] = {}
    with _opened(file) as stored:
        for path, dataset in _datasets(stored, file.stat().st_size):
            # A layer's name appears twice in the path, below the name of an enclosing network.
            layer = next((part for part in reversed(path[:-1]) if part in names), None)
            if layer is not None:
                arrays.setdefault(layer, {})[path[-1].partition(":")[0]] = dataset[...]
    return arrays


def _opened(file: Path) -> h5py.File:
    try:
        return h5py.File(file, "r")
    except OSError:
        raise CheckpointError("not an HDF5 file; give one that Keras wrote") from None


def _datasets(stored: h5py.File, size: int) -> Iterator[tuple[tuple[str, ...], h5py.Dataset]]:
    """Yields the path and data of every array; refuses links and external data."""
    entries = 0
    left: list[tuple[tuple[str, ...], h5py.Group]] = [((), stored)]
    while left:
        path, group = left.pop()
        for name in group:
            entries += 1
            # Groups can contain each other, which makes the paths endless.
            if entries > MOST_ENTRIES or len(path) > DEEPEST:
                raise CheckpointError("it has more groups than any network")
            place = (*path, *name.split("/"))
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise CheckpointError(f"its {name} is a link elsewhere")
            item = group[name]
            if isinstance(item, h5py.Group):
                left.append((place, item))
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual or item.nbytes > MOST_UNPACKED * size:
                    raise CheckpointError(f"its weight {name} is not in the file")
                yield place, item


def _layer_names(file: Path) -> set[str]:
    if file.suffix == KERAS:
        try:
            check_keras_file(file)
            with zipfile.ZipFile(file) as archive:
                config = json.loads(archive.read("config.json"))
        except ValueError as error:
            raise CheckpointError(str(error)) from None
        return set(_names(config))
    if file.suffix not in HDF5:
        return set()
    with _opened(file) as stored:
        return {part for path, _ in _datasets(stored, file.stat().st_size) for part in path}


def _names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("name"), str):
            yield value["name"]
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from _names(child)
