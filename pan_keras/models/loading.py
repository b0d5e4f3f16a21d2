"""Loads `.keras` files, after checking them as untrusted input."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
from keras.saving import get_registered_object

ENTRIES = ("config.json", "metadata.json", "model.weights.h5")
LARGEST_CONFIG = 16 * 2**20
# No network has more channels, classes or pixels per side; counts of blocks and segments are lower.
LARGEST_NUMBER = 2**17
COUNTS = {"blocks": 1024, "segments": 1024, "stack": 1024}
# Identities of shared objects are addresses, and seeds may be of any size.
NO_SIZES = ("shared_object_id", "seed")
# Keras stores weights uncompressed; a recompressed file is slightly smaller.
MOST_UNPACKED = 4


def check_keras_file(file: Path) -> None:
    """Refuses a `.keras` file that does more than define a model and its weights.

    The archive must hold what Keras writes and unpack to no more than it declares; its
    configuration may only name classes of Keras and registered ones; its numbers must be plausible
    for a network; its weights must be stored in the file itself and be no larger than it.

    Args:
        file: The file.

    Raises:
        ValueError: What is wrong, as part of a sentence.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            missing = [name for name in ENTRIES if name not in sizes]
            if missing:
                raise ValueError(f"it holds no {missing[0]}")
            if sizes["config.json"] > LARGEST_CONFIG:
                raise ValueError("its config.json is larger than that of any model")
            most = MOST_UNPACKED * file.stat().st_size
            if sizes["model.weights.h5"] > most:
                raise ValueError("its weights unpack to far more than the file")
            _check_config(json.loads(archive.read("config.json")))
            weights = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(weights) as stored:
            _check_weights(stored, most)
    except RecursionError:
        raise ValueError("its config.json is nested too deeply") from None
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise ValueError(f"it is not a zip archive ({error})") from None
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"its weights cannot be read ({error})") from None


def _check_config(config: Any) -> None:
    for owner in _objects(config):
        name, module = owner.get("class_name"), owner.get("module")
        if isinstance(name, str) and not _is_known(name, module, owner.get("registered_name")):
            raise ValueError(
                f"it names the class {module}.{name}, which is not registered; import the module "
                "that defines it first"
            )
        for key, value in owner.items():
            limit = COUNTS.get(key, LARGEST_NUMBER)
            numbers = value if isinstance(value, list) else [value]
            if key not in NO_SIZES and any(_exceeds(number, limit) for number in numbers):
                raise ValueError(f"its {key} is {value!r:.60}, more than any network has")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from _objects(child)


def _is_known(name: str, module: Any, registered_name: Any) -> bool:
    # Values such as tuples and arrays, and functions that Keras resolves by name.
    if name.startswith("__") or (name, module) == ("function", "builtins"):
        return True
    if isinstance(registered_name, str) and get_registered_object(registered_name) is not None:
        return True
    return isinstance(module, str) and (module == "keras" or module.startswith("keras."))


def _exceeds(number: Any, limit: int) -> bool:
    return isinstance(number, int | float) and not abs(number) <= limit


def _check_weights(group: h5py.Group, size: int) -> None:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"its weight {name} is a link elsewhere")
        item = group[name]
        if isinstance(item, h5py.Group):
            _check_weights(item, size)
        elif item.external or item.is_virtual or item.nbytes > size:
            raise ValueError(f"its weight {item.name} is not in the file")


def load(path: str | Path) -> keras.Model:
    """Loads a model with its weights, for inference, further training or reuse of its parts.

    Args:
        path: A `.keras` file, or a run folder that holds `model.keras`.

    Returns:
        The model; `model.backbone` and the layers in `model.layers` can be used in other models
        like any Keras layer.

    Raises:
        ValueError: If there is no such file, or it is damaged.

    Example:
        >>> import tempfile
        >>> from pan_keras.models import PANLite
        >>> with tempfile.TemporaryDirectory() as run:
        ...     PANLite(classes=8, backbone="micro", size=64).save(f"{run}/model.keras")
        ...     load(run).backbone.output_shape
        (None, 96)
    """
    file = Path(path)
    if file.is_dir():
        file = file / "model.keras"
    if not file.is_file():
        raise ValueError(f"{file}: missing; give a .keras file, or a folder that train finished")
    try:
        check_keras_file(file)
        return keras.saving.load_model(file)
    except Exception as error:  # a damaged file may raise any exception
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{file}: damaged ({reason}); train or copy it again") from error
