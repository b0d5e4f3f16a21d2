"""The folder of a data set, and paths relative to it."""

import os
from pathlib import Path

from pan_keras.data.card import card_names
from pan_keras.data.remote_source import local_root
from pan_keras.remote.addresses import is_remote, local_path


def data_root(source: str | Path, root: str | Path | None = None) -> Path:
    """Returns the folder that the paths of a data set are relative to.

    Args:
        source: As for `open_data`.
        root: As for `open_data`.
    """
    root = local_root(root)
    path = local_path(source) if is_remote(source) else Path(source).expanduser()
    named = str(source) in card_names()
    is_file = path.suffix.lower() in (".csv", ".toml") and not path.is_dir()
    if root and (named or is_file):
        return root
    if named:
        return Path("data") / path.name
    return path.parent if is_file else path


def relative(path: Path, root: Path) -> str:
    """A path relative to a root, with slashes; unchanged if it is outside."""
    for start in (root, Path(os.path.abspath(root)), root.resolve()):  # noqa: PTH100
        if path.is_relative_to(start):
            return path.relative_to(start).as_posix()
    return path.as_posix()
