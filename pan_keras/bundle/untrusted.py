"""Files of a bundle that may come from anyone: a hostile one costs an error and nothing else."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pan_keras.bundle.schema import OLDEST, SCHEMA_VERSION
from pan_keras.errors import UserError

FACTS = "model.json"
LARGEST_FACTS = 64 * 2**20
LARGEST_FILE = 2**31  # of TFLite's and ONNX's own formats


def read_facts(path: Path) -> dict[str, Any]:
    """What `model.json` of a bundle holds, in its own version.

    Args:
        path: The folder.

    Raises:
        UserError: If there is none, or it is not JSON of a version that this package reads.
    """
    if not (path / FACTS).is_file():
        raise UserError(
            f"{path}: no bundle (it has no {FACTS}); give a folder that pan-keras export wrote"
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
    """The bytes of a regular file that is not larger than any that belongs into a bundle.

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
    """Refuses names that lead out of a bundle, and files that are not there.

    Args:
        path: The folder.
        names: Checksums by name in the folder.

    Raises:
        UserError: If there is such a name, or a checksum is no text.
    """
    for name, checksum in names.items():
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or "\\" in name or "\0" in name:
            raise UserError(
                f"{path / FACTS}: names a file outside of the bundle ({name}); do not use it"
            )
        if not isinstance(checksum, str):
            raise UserError(f"{path / FACTS}: not of its form (the checksum of {name} is no text)")
        if not (path / name).is_file():
            raise UserError(f"{path / name}: missing from the bundle; export it again")
