"""Files and folders that are whole or absent: written under another name, then renamed."""

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pan_keras.errors import UserError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Gives a temporary path beside `path`, and renames it to `path` when the block succeeds.

    When the block fails, the temporary file is removed and an earlier `path` stays as it was.

    Args:
        path: The file to write; its folder is made if absent.

    Raises:
        UserError: If the disk is full.

    Example:
        >>> with replacing("runs/a/summary.json") as temporary:
        ...     temporary.write_text("{}")
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        with _telling_of_full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _flush(temporary)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path | str) -> Iterator[Path]:
    """Gives an empty folder beside `path`, which takes its place when the block succeeds.

    When the block fails, the new folder is removed and an earlier `path` stays as it was. Where
    the process is killed, `path` is the earlier folder or the new one, whole; what is left beside
    is cleared away by the next call. Systems other than Linux swap folders in two steps: killed
    between them, the earlier folder waits as `.NAME.earlier`, and the next call puts it back.

    Args:
        path: The folder to write; the folders above are made if absent.

    Raises:
        UserError: If the disk is full, or `path` is a file.

    Example:
        >>> with replacing_folder("runs/a/bundle") as temporary:
        ...     (temporary / "model.json").write_text("{}")
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 (resolving would follow a link)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: a file is in the way; remove it or name another folder")
    temporary = path.with_name(f".{path.name}.partial")
    earlier = _earlier(path)
    if earlier.is_dir() and not path.exists():
        earlier.rename(path)
    try:
        with _telling_of_full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    _flush(file)
            _put_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _telling_of_full_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            raise UserError(
                f"{path}: the disk is full; free some space and run the command again "
                "(what was there before is untouched)"
            ) from error
        raise


def _flush(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _put_in_place(temporary: Path, path: Path) -> None:
    if not path.exists():
        temporary.rename(path)
    elif not _exchange(temporary, path):
        earlier = _earlier(path)
        shutil.rmtree(earlier, ignore_errors=True)
        path.rename(earlier)
        temporary.rename(path)
        shutil.rmtree(earlier, ignore_errors=True)


def _earlier(path: Path) -> Path:
    return path.with_name(f".{path.name}.earlier")


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders in one step; False where this system cannot."""
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, TypeError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    return swap(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0
