"""Writes files and folders atomically: temporary name, then rename."""

import ctypes
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pan_keras.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_ADDRESS = re.compile("(s3|gs|https?):/", re.IGNORECASE)
PATIENCE = 30.0  # maximum seconds to wait for another writer
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
ABANDONED = 24 * 3600  # age in seconds of abandoned unfinished folders, without locks


def refuse_overwriting(output: Path | str, inputs: Iterable[Path | str]) -> None:
    """Raises `UserError` if writing `output` would overwrite one of the inputs of a command.

    Args:
        output: File or folder to write.
        inputs: Files and folders that are read; those that do not exist are skipped. Hard and
            symbolic links count as their targets.

    Example:
        >>> refuse_overwriting("drawing.mp4", ["clip.mp4"])
    """
    output = Path(output)
    for each in inputs:
        try:
            same = output.samefile(each)
        except OSError:
            continue
        if same:
            also = "" if Path(each) == output else f" ({each})"
            raise UserError(
                f"{output}: is an input{also} and would be overwritten; name another output"
            )


def refuse_address(path: Path) -> None:
    """Raises `UserError` if a path to write is an address of remote storage.

    Args:
        path: The file or folder.

    Example:
        >>> refuse_address(Path("results"))
    """
    if _ADDRESS.match(str(path)):
        address = re.sub(":/+", "://", str(path), count=1)
        raise UserError(
            f"{address}: only runs and bundles are written to remote storage, by pan-keras copy "
            "and export; name a local path"
        )


def make_folder(folder: Path) -> None:
    """Creates a folder, with those above it, unless it exists.

    Args:
        folder: The folder.

    Raises:
        UserError: If it cannot be created.

    Example:
        >>> make_folder(Path("results/speed"))
    """
    refuse_address(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be created ({error.strerror}); name another folder"
        ) from error


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yields a temporary path beside `path`, and renames it to `path` when the block succeeds.

    If the block fails, the temporary file is removed and an existing `path` is not changed. Several
    writers, processes or threads, each write their own temporary file; the last one wins.

    Args:
        path: The file to write; its folder is created if absent.

    Raises:
        UserError: If the disk is full.

    Example:
        >>> with replacing("runs/a/summary.json") as temporary:
        ...     temporary.write_text("{}")
    """
    path = Path(path)
    refuse_address(path)
    temporary = path.with_name(f".{path.stem}.{_token()}.partial{path.suffix}")
    try:
        with _telling_of_full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _flush(temporary)
            temporary.replace(path)
            _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path | str) -> Iterator[Path]:
    """Yields an empty folder beside `path`, which replaces `path` when the block succeeds.

    If the block fails, the new folder is removed and an existing `path` is not changed. If the
    process is killed, `path` is the complete old or new folder, and the next call removes
    leftovers. Several writers, processes or threads, each fill their own folder and take turns to
    put it in place; the last one wins. Systems other than Linux swap folders in two steps: if
    killed between them, the old folder is `.NAME.earlier`, and the next call restores it.

    Args:
        path: The folder to write; its parents are created if absent.

    Raises:
        UserError: If the disk is full, or `path` is a file.

    Example:
        >>> with replacing_folder("runs/a/bundle") as temporary:
        ...     (temporary / "model.json").write_text("{}")
    """
    refuse_address(Path(path))
    path = Path(os.path.abspath(path))  # noqa: PTH100 (resolving would follow a link)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: a file is in the way; remove it or name another folder")
    temporary = path.with_name(f".{path.name}.{_token()}.partial")
    with _telling_of_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with turn(path.parent):
            earlier = _earlier(path)
            if earlier.is_dir() and not path.exists():
                earlier.rename(path)
            _remove_abandoned(path)
            temporary.mkdir()
            held = _lock(temporary)
    try:
        with _telling_of_full_disk(path):
            yield temporary
            for file in [*temporary.rglob("*"), temporary]:
                _flush(file)
            with turn(path.parent):
                _put_in_place(temporary, path)
                _flush(path.parent)
    finally:
        _remove(temporary)
        if held is not None:
            os.close(held)


def is_writable(path: Path) -> bool:
    """Whether a file may be written, by its mode and that of its folder, also for superusers.

    Args:
        path: The file, which need not exist; its folder must.
    """
    return all(
        bool(each.stat().st_mode & 0o222) and os.access(each, os.W_OK)
        for each in (path.parent, path)
        if each.exists()
    )


def cache_folder() -> Path:
    """Returns the user's cache folder for this package."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pan-keras"


def read_text(path: Path) -> str:
    """Reads a regular file as UTF-8 text.

    Args:
        path: The file.

    Raises:
        UserError: If it is not text.
        OSError: If it is missing, or a pipe or device, reading which might never end.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8; put the file back as it was") from None


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


def _token() -> str:
    """An identifier of a writer: process id, and random digits for threads and machines."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def _flush(path: Path) -> None:
    """Flushes a file, or the entries of a folder, to disk."""
    if path.is_dir() and os.name == "nt":
        return  # folders cannot be opened on this system
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems do not support fsync of folders.
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """Opens and locks a folder until its descriptor is closed; None if not supported."""
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Waits for its turn to change the entries of a folder; other writers hold it only briefly.

    The folder itself is locked, so that no lock file is left behind. Where a network file system
    does not support such locks, writers do not wait.

    Args:
        folder: The folder.

    Raises:
        UserError: If another process holds the lock for too long.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + PATIENCE
        while not _try_lock(descriptor):
            if time.monotonic() > end:
                raise UserError(
                    f"{folder}: another process has held it for {PATIENCE:.0f} s; "
                    "stop that process, then run the command again"
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _remove_abandoned(path: Path) -> None:
    """Removes unfinished folders whose writers have ended."""
    for each in path.parent.iterdir():
        if not (each.name.startswith(f".{path.name}.") and each.name.endswith(".partial")):
            continue
        if not each.is_dir() or each.is_symlink():
            continue
        try:
            age = time.time() - each.stat().st_mtime
            held = _lock(each)
        except OSError:  # its writer has removed it
            continue
        if held is not None:
            os.close(held)
        if held is not None or age > ABANDONED:
            _remove(each)


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()  # the previous path was a link to a folder
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _put_in_place(temporary: Path, path: Path) -> None:
    if not path.exists():
        temporary.rename(path)
    elif not _exchange(temporary, path):
        earlier = _earlier(path)
        _remove(earlier)
        path.rename(earlier)
        temporary.rename(path)
        _remove(earlier)


def _earlier(path: Path) -> Path:
    return path.with_name(f".{path.name}.earlier")


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders atomically; False if the system does not support it."""
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, TypeError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    return swap(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0
