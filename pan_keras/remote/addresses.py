"""Addresses of remote objects, and the paths of the cache that stand for them."""

import os
import re
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.files import cache_folder

SCHEMES = ("s3", "gs", "https", "http")
_FOLDER = "remote"
# A `Path` of an address has lost one of its slashes.
_ADDRESS = re.compile(rf"({'|'.join(SCHEMES)}):/+", re.IGNORECASE)


def is_remote(source: object) -> bool:
    """Whether a source is the address of remote storage.

    Example:
        >>> is_remote("s3://bucket/videos"), is_remote("videos")
        (True, False)
    """
    return _ADDRESS.match(str(source)) is not None


def local_path(address: str | Path) -> Path:
    """Returns the path in the cache that stands for an address; nothing is read.

    Args:
        address: Such as `s3://bucket/videos/a.mp4`.

    Raises:
        UserError: If it names no bucket or host, or has a query.
    """
    scheme, _, rest = str(address).partition(":/")
    place, *parts = [part for part in rest.split("/") if part] or [""]
    if not place or ".." in (place, *parts) or set(rest) & set("?#\\"):
        raise UserError(
            f"{address}: not an address of remote storage; write it as s3://BUCKET/FOLDER, "
            "gs://BUCKET/FOLDER or https://HOST/FILE, without a query"
        )
    return _root().joinpath(scheme.lower(), place, *parts)


def address_of(path: Path) -> str | None:
    """Returns the address that a path of the cache stands for; None for other paths."""
    text = str(path)
    if _FOLDER not in text:  # asked for every clip of a data set
        return None
    root = os.path.join(str(_root()), "")  # noqa: PTH118
    if not text.startswith(root):
        return None
    scheme, _, rest = text[len(root) :].replace(os.sep, "/").partition("/")
    return f"{scheme}://{rest}" if scheme in SCHEMES and rest else None


def displayed(path: Path | str) -> str:
    """Returns what users are shown of a path: the address, if it is one or stands for one.

    Args:
        path: A path, or an address, of which `Path` has removed a slash.

    Example:
        >>> displayed(Path("wave.mp4"))
        'wave.mp4'
    """
    return address_of(local_path(path) if is_remote(path) else Path(path)) or str(path)


def _root() -> Path:
    return Path(os.path.abspath(cache_folder() / _FOLDER))  # noqa: PTH100
