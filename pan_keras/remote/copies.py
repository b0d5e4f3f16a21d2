"""Copies of folders in remote storage, which are complete or cannot be opened."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from pan_keras.errors import UserError
from pan_keras.files import read_text
from pan_keras.printable import is_printable
from pan_keras.remote.addresses import SCHEMES, address_of, is_remote, local_path
from pan_keras.remote.cache import LIMIT, cache_limit, fetch, forget, list_objects, state_of
from pan_keras.remote.store import MissingObject, ObjectState, store_of

MANIFEST = "copy.json"
VERSION = 1
LARGEST_MANIFEST = 1 << 24  # bytes
MOST_FILES = 10_000
FETCHING = 8
COPYING = "copying files"
_FOLDER = re.compile(r"copy-[0-9a-f]{16}")

Progress = Callable[[str, int, int], None]


def write_copy(
    folder: Path, names: Sequence[str], address: str, progress: Progress | None = None
) -> None:
    """Copies files of a folder to an address, where nothing can be opened until all are there.

    The files are written below a random name, and a manifest with their digests after them. If the
    copy fails or is stopped, what was written is removed as far as possible; it cannot be opened.

    Args:
        folder: The folder.
        names: Names of the files, with slashes.
        address: Such as `s3://bucket/models/waves`.
        progress: Called with the task, the number of files done and the total.

    Raises:
        UserError: If there is a copy already, other objects are in the way, a file changes
            meanwhile, or it cannot be written.
    """
    refuse_taken(address)
    store, key = store_of(local_path(address))
    place = f"copy-{secrets.token_hex(8)}"
    files: dict[str, dict[str, Any]] = {}
    written: list[str] = []
    try:
        for number, name in enumerate(names):
            if progress is not None:
                progress(COPYING, number, len(names))
            written.append(f"{key}/{place}/{name}")
            before = (folder / name).stat()
            store.write(written[-1], folder / name)
            files[name] = {"bytes": before.st_size, "sha256": _sha256(folder / name)}
            after = (folder / name).stat()
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise UserError(f"{folder / name}: changed while it was copied; copy it again")
        if progress is not None:
            progress(COPYING, len(names), len(names))
        manifest = {"version": VERSION, "folder": place, "files": files}
        if not store.write_new(f"{key}/{MANIFEST}", json.dumps(manifest, indent=1).encode()):
            raise _taken(address)
    except BaseException:
        for each in written:
            store.remove(each)
        raise
    finally:
        forget(local_path(address) / MANIFEST)


def refuse_taken(address: str | Path) -> None:
    """Raises UserError if a copy cannot be written to an address because something is there.

    Args:
        address: Such as `s3://bucket/models/waves`.
    """
    path = local_path(address)
    told = address_of(path)
    if not str(told).startswith(("s3:", "gs:")):
        raise UserError(f"{told}: web servers are only read; write to s3://BUCKET/NAME or gs://")
    store, key = store_of(path)
    if not key:
        raise UserError(f"{told}: names a bucket alone; add a name, such as {told}/NAME")
    others = [name for name in store.names(key) if not _FOLDER.fullmatch(name)]
    if MANIFEST in others:
        raise _taken(told)
    if others:
        raise UserError(f"{told}: holds other objects, such as {others[0]!a}; name another address")


def is_copy(address: str | Path) -> bool:
    """Whether there is a complete copy of a folder at an address.

    Args:
        address: Such as `s3://bucket/models/waves`.

    Raises:
        UserError: If it cannot be asked for.
    """
    try:
        state_of(local_path(address) / MANIFEST)
    except MissingObject:
        return False
    return True


def local_copy(source: str | Path) -> Path:
    """Returns the folder in the cache with the files of a copy; other paths as they are.

    Files are fetched unless they are in the cache, and compared with their digests.

    Args:
        source: A path, or the address of a copy.

    Raises:
        UserError: If there is no complete copy, it is damaged, or cannot be read.

    Example:
        >>> local_copy("runs/demo")
        PosixPath('runs/demo')
    """
    if not is_remote(source):
        return Path(source)
    path = local_path(source)
    try:
        fetch(path / MANIFEST)
        return _fetched(path, state_of(path / MANIFEST))
    except MissingObject as error:
        raise UserError(
            f"{address_of(path)}: there is no run or bundle here, or its copy is not complete; "
            "name one that pan-keras copy or export wrote"
        ) from error


@lru_cache(maxsize=64)
def _fetched(path: Path, _state: ObjectState) -> Path:
    place, files = _manifest(path)
    limit = cache_limit()
    size = sum(count for count, _ in files.values())
    if size > limit:
        raise UserError(
            f"{address_of(path)}: has {size / 1e9:.2f} GB, more than the cache for remote files "
            f"holds ({limit / 1e9:g} GB); raise {LIMIT}"
        )
    if str(address_of(place)).startswith(SCHEMES[:2]):
        list_objects(str(address_of(place)))  # one request in place of one for each file

    def get(name: str) -> None:
        count, digest = files[name]
        file = place / name
        if state_of(file).size != count or _sha256(fetch(file)) != digest:
            raise UserError(
                f"{address_of(file)}: differs from its digest in {MANIFEST}; copy the folder again"
            )

    with ThreadPoolExecutor(FETCHING) as pool:
        list(pool.map(get, files))
    return place


def _manifest(path: Path) -> tuple[Path, dict[str, tuple[int, str]]]:
    """The folder and the size and digest of each file of a copy, checked."""
    try:
        if (path / MANIFEST).stat().st_size > LARGEST_MANIFEST:
            raise ValueError("it is too large")
        content = json.loads(read_text(path / MANIFEST))
        if content["version"] != VERSION:
            raise ValueError(f"it has version {content['version']!r:.20}")
        if not _FOLDER.fullmatch(content["folder"]):
            raise ValueError("it names no folder")
        files = {name: (each["bytes"], each["sha256"]) for name, each in content["files"].items()}
        if not 0 < len(files) <= MOST_FILES:
            raise ValueError(f"it names {len(files)} files")
        for name, (count, digest) in files.items():
            if not _is_safe(name):
                raise ValueError(f"{name!a:.100} is no name of a file")
            if type(count) is not int or count < 0 or not isinstance(digest, str):
                raise ValueError(f"the size or digest of {name} is wrong")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{address_of(path / MANIFEST)}: damaged ({str(error)[:100]}); copy the folder again"
        ) from error
    return path / content["folder"], files


def _is_safe(name: str) -> bool:
    parts = name.split("/")
    hidden = any(not part or part.startswith(".") for part in parts)
    return not hidden and not set(name) & set("\\:?#") and is_printable(name)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _taken(address: object) -> UserError:
    return UserError(f"{address}: there is a run or bundle here already; name another address")
