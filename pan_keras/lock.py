"""A lock for a single writer, which the operating system releases when its process ends."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pan_keras.errors import UserError

HOLDER = ".holder"


@contextmanager
def locked(file: Path | str, what: str) -> Iterator[None]:
    """Holds a lock during the block; a second process gets an error instead of waiting.

    The lock belongs to the process: if it is killed, the next one gets the lock. The file is not
    removed, since two processes could then lock two files of the same name.

    Args:
        file: The lock file; its folder must exist.
        what: What is being written, for the message.

    Raises:
        UserError: If another process or thread holds it, with its process id and host; or if the
            folder is not writable.

    Example:
        >>> with locked("runs/a/.lock", "runs/a"):
        ...     write_into("runs/a")
    """
    file = Path(file)
    lock = FileLock(file, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"{what}: {_holder(file)} is writing here; wait until it ends, or stop it"
        ) from None
    except OSError as error:
        raise UserError(
            f"{what}: cannot be locked ({error.strerror}); make the folder writable"
        ) from error
    holder = file.with_name(file.name + HOLDER)
    try:
        holder.write_text(json.dumps({"process": os.getpid(), "host": socket.gethostname()}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def refuse_locked(file: Path | str, what: str) -> None:
    """Raises the `UserError` of `locked` if another process holds the lock; creates no file."""
    if Path(file).is_file():
        with locked(file, what):
            pass


def _holder(file: Path) -> str:
    try:
        holder = json.loads(file.with_name(file.name + HOLDER).read_text(encoding="utf-8"))
        return f"process {int(holder['process'])} on {str(holder['host'])!r}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
