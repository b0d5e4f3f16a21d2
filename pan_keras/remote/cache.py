"""Whole remote objects in a cache of bounded size on disk."""

import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.files import cache_folder, replacing
from pan_keras.remote.addresses import address_of, local_path
from pan_keras.remote.store import MissingObject, ObjectState, store_of

LIMIT = "PAN_KERAS_REMOTE_CACHE"
DEFAULT_GB = 50.0
IN_USE = 60.0  # seconds since its last use, within which a file is not removed
# Lists are small, and files whose names begin with a dot are the index and unfinished files.
KEPT = frozenset({".csv", ".json", ".toml"})

_listed: dict[Path, dict[str, ObjectState]] = {}  # by folder and name
_states: dict[Path, ObjectState] = {}  # of objects that were asked for one by one
_busy: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
_room = threading.Lock()
_held: int | None = None


def list_objects(address: str) -> dict[Path, dict[str, ObjectState]]:
    """Lists the objects below a folder; their states are then known without a request for each.

    Args:
        address: Such as `s3://bucket/videos`.

    Returns:
        The state of each object by its folder, as a path in the cache, and its name.

    Raises:
        UserError: If it cannot be listed, or holds nothing.
    """
    folder = local_path(address)
    store, prefix = store_of(folder)
    bucket = f"{store.scheme}://{store.place}"
    found: dict[Path, dict[str, ObjectState]] = {}
    last, states = "", {}
    for key, state in store.objects(prefix):
        place, _, name = key.rpartition("/")
        if place != last or not found:
            last, states = place, found.setdefault(local_path(f"{bucket}/{place}"), {})
        # The frames of all clips have the same names.
        states[sys.intern(name)] = state
    if not found:
        raise MissingObject(f"{address}: there are no objects here; check the address")
    _listed.update(found)
    return found


def listed_folder(path: Path) -> dict[str, ObjectState]:
    """Returns the objects of a folder by name; it is listed once per process.

    Args:
        path: Its path in the cache.

    Raises:
        MissingObject: If it holds nothing.
        UserError: If it cannot be listed.
    """
    if path not in _listed:
        list_objects(str(address_of(path)))
    if path not in _listed:
        raise MissingObject(f"{address_of(path)}: there are no objects here; check the address")
    return _listed[path]


def is_folder(path: Path) -> bool:
    """Whether a folder is known from a list; nothing is asked.

    Args:
        path: Its path in the cache.
    """
    return path in _listed


def is_object(path: Path) -> bool:
    """Whether an object is known, from a list or its state; nothing is asked.

    Args:
        path: Its path in the cache.
    """
    return path in _states or path.name in _listed.get(path.parent, ())


def state_of(path: Path) -> ObjectState:
    """Returns the state of an object, which is asked for once per process.

    Args:
        path: Its path in the cache.

    Raises:
        MissingObject: If there is no such object.
        UserError: If it cannot be asked for.
    """
    listed = _listed.get(path.parent, {}).get(path.name)
    if listed is not None:
        return listed
    if path not in _states:
        store, key = store_of(path)
        _states[path] = store.state(key)
    return _states[path]


def forget(path: Path) -> None:
    """Forgets the state of an object that has been written, so that it is asked for again.

    Args:
        path: Its path in the cache.
    """
    _states.pop(path, None)


def fetch(path: Path) -> Path:
    """Reads an object into the cache, unless it is there.

    The file has the modification time of the object. The least recently used files are removed if
    the cache would exceed its limit.

    Args:
        path: Its path in the cache.

    Returns:
        The same path.

    Raises:
        MissingObject: If there is no such object.
        UserError: If it cannot be read, or is larger than the cache.
    """
    with _busy[path]:
        state = state_of(path)
        if not _is_current(path, state):
            _make_room(path, state.size)
            store, key = store_of(path)
            with replacing(path) as temporary:
                store.download(key, temporary, state)
                os.utime(temporary, ns=(time.time_ns(), state.changed))
        else:
            os.utime(path, ns=(time.time_ns(), state.changed))
    return path


def cache_limit() -> int:
    """The limit of the cache in bytes, from the environment variable `PAN_KERAS_REMOTE_CACHE`.

    Raises:
        UserError: If it is not a number.
    """
    text = os.environ.get(LIMIT, "")
    try:
        gigabytes = float(text) if text else DEFAULT_GB
        if not gigabytes > 0:
            raise ValueError
    except ValueError:
        raise UserError(f"{LIMIT}: is {text!r}; it must be a size in GB above 0") from None
    return int(gigabytes * 1e9)


def _is_current(path: Path, state: ObjectState) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (state.size, state.changed)


def _make_room(path: Path, size: int) -> None:
    """Removes the least recently used files until another fits."""
    global _held  # noqa: PLW0603
    limit = cache_limit()
    if size > limit:
        raise UserError(
            f"{address_of(path)}: has {size / 1e9:.2f} GB, more than the cache for remote files "
            f"holds ({limit / 1e9:g} GB); raise {LIMIT}"
        )
    with _room:
        if _held is None or _held + size > limit:
            files = sorted(_cached(), reverse=True)
            _held = sum(length for _, length, _ in files)
            while files and _held + size > limit:
                used, length, file = files.pop()
                if time.time() - used < IN_USE:
                    break
                file.unlink(missing_ok=True)
                _held -= length
        _held += size


def _cached() -> Iterator[tuple[float, int, Path]]:
    """Time of the last use, size and path of each removable file."""
    for folder, _, names in os.walk(cache_folder() / "remote"):
        for name in names:
            file = Path(folder) / name
            if name.startswith(".") or file.suffix.lower() in KEPT:
                continue
            try:
                status = file.stat()
            except OSError:
                continue
            yield status.st_atime, status.st_size, file
