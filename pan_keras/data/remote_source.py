"""Data sets in remote storage: what is listed and read before they are opened."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from pan_keras.data.card import CARD
from pan_keras.remote.addresses import address_of, is_remote, local_path
from pan_keras.remote.cache import fetch, list_objects, state_of
from pan_keras.remote.store import MissingObject, ObjectState
from pan_keras.video.folder_tree import Folder
from pan_keras.video.remote_frames import LISTABLE
from pan_keras.video.remote_tree import listed_tree
from pan_keras.video.shard_file import MANIFEST

LISTS = (".csv", ".toml")
FETCHING = 8

_listed: dict[Path, dict[Path, dict[str, ObjectState]]] = {}  # by root, folder and name


def local_source(source: str | Path) -> str | Path:
    """Returns the path in the cache that stands for a remote source; other sources as they are.

    The list of a folder, and the manifest of shards, are read.

    Args:
        source: As for `open_data`.

    Raises:
        UserError: If it cannot be read.
    """
    if not is_remote(source):
        return source
    address = str(source)
    path = local_path(address)
    if path.suffix.lower() in LISTS:
        return fetch(path)
    path.mkdir(parents=True, exist_ok=True)
    with suppress(MissingObject):
        fetch(path / MANIFEST)
        _fetch_lists(path)
        return path
    _listed[path] = list_objects(address)
    return path


def local_root(root: str | Path | None) -> Path | None:
    """Returns the path of a root, in the cache if it is remote; None for none, an empty one too."""
    if not root:
        return None
    return local_path(root) if is_remote(root) else Path(root).expanduser()


def fetch_lists(root: Path, names: Iterable[str]) -> None:
    """Reads the lists of clips in a remote root; other roots stay as they are.

    Args:
        root: Its path in the cache.
        names: Names of the lists; those that do not exist are left out.

    Raises:
        UserError: If one cannot be read.
    """
    if address_of(root) is not None:
        for name in names:
            with suppress(MissingObject):
                fetch(root / name)


def list_root(root: Path) -> None:
    """Lists a remote root, so that its clips are not asked for one by one.

    Args:
        root: Its path in the cache.

    Raises:
        UserError: If it cannot be listed, or holds nothing.
    """
    address = address_of(root)
    if address is not None and address.startswith(LISTABLE):
        root.mkdir(parents=True, exist_ok=True)
        _listed[root] = list_objects(address)


def remote_folder(root: Path) -> Folder | None:
    """Returns the tree of a remote folder that `local_source` has listed; None for other folders.

    Args:
        root: Its path in the cache.
    """
    return listed_tree(root, _listed[root]) if root in _listed else None


def _fetch_lists(folder: Path) -> None:
    """Reads the lists of all shards, and the card if there is one."""
    from pan_keras.data.shards.manifest import read_manifest  # noqa: PLC0415

    with suppress(MissingObject):
        fetch(folder / CARD)
    files = [folder / shard.name for shard in read_manifest(folder).shards]
    with ThreadPoolExecutor(FETCHING) as pool:
        list(pool.map(lambda file: (fetch(file.with_suffix(".json")), state_of(file)), files))
