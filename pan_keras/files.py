"""Atomic writing of files and folders: temporary name, then rename."""

import ctypes
import errno
import os
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

PATIENCE = 30.0  # seconds to wait for another writer
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
ABANDONED = 24 * 3600  # seconds after which an unfinished folder is, where locks cannot tell


def refuse_overwriting(output: Path | str, inputs: Iterable[Path | str]) -> None:
    """Raises `UserError` if writing `output` would overwrite one of the inputs of a command.

    Args:
        output: File or folder to write.
        inputs: Files and folders that are read; those that do not exist are skipped. Links, hard
            or symbolic, are the same file as what they lead to.

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


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Gives a temporary path beside `path`, and renames it to `path` when the block succeeds.

    When the block fails, the temporary file is removed and an earlier `path` stays as it was. Of
    several writers, processes or threads, each writes a file of its own; the last one stands.

    Args:
        path: The file to write; its folder is made if absent.

    Raises:
        UserError: If the disk is full.

    Example:
        >>> with replacing("runs/a/summary.json") as temporary:
        ...     temporary.write_text("{}")
    """
    path = Path(path)
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
    """Gives an empty folder beside `path`, which takes its place when the block succeeds.

    When the block fails, the new folder is removed and an earlier `path` stays as it was. Where
    the process is killed, `path` is the earlier folder or the new one, whole; what is left beside
    is cleared away by the next call. Of several writers, processes or threads, each fills a folder
    of its own, and they take turns to put it in place; the last one stands. Systems other than
    Linux swap folders in two steps: killed between them, the earlier folder waits as
    `.NAME.earlier`, and the next call puts it back.

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
    """Whether a file may be written: its mode and that of its folder count for superusers too.

    Args:
        path: The file, which need not be there; its folder is.
    """
    return all(
        bool(each.stat().st_mode & 0o222) and os.access(each, os.W_OK)
        for each in (path.parent, path)
        if each.exists()
    )


def read_text(path: Path) -> str:
    """The text of a regular file in UTF-8.

    Args:
        path: The file.

    Raises:
        UserError: If it is not text.
        OSError: If it is missing, or a pipe or device, which might never end.
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
    """Tells writers apart: processes by their number, threads and machines by chance."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def _flush(path: Path) -> None:
    """Has a file or the entries of a folder reach the disk."""
    if path.is_dir() and os.name == "nt":
        return  # folders cannot be opened there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems have no fsync of folders.
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """An open folder that is locked while its descriptor is open; None where that cannot be."""
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
    """Waits until no other writer changes the entries of a folder, which takes them no time.

    The folder itself is the lock, so that no file of it stays. Some network file systems have no
    such locks: there nobody waits.

    Args:
        folder: The folder.

    Raises:
        UserError: If another process does not come to an end.
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
    """Clears away unfinished folders whose writers are no more."""
    for each in path.parent.iterdir():
        if not (each.name.startswith(f".{path.name}.") and each.name.endswith(".partial")):
            continue
        if not each.is_dir() or each.is_symlink():
            continue
        try:
            age = time.time() - each.stat().st_mtime
            held = _lock(each)
        except OSError:  # its writer removed it meanwhile
            continue
        if held is not None:
            os.close(held)
        if held is not None or age > ABANDONED:
            _remove(each)


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()  # what was in place led to a folder
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
    """Swaps two folders in one step; False where this system cannot."""
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, TypeError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    return swap(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0
