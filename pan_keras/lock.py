"""One writer at a time: a lock that the operating system frees when its process ends."""

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
    """Holds a lock for the length of the block; a second process is refused, not kept waiting.

    The lock belongs to the process: where that is killed, the next one gets it. The file itself
    stays, since removing it would let two processes lock two files of the same name.

    Args:
        file: The lock file; its folder is there.
        what: What is being written, for the message.

    Raises:
        UserError: If another process (or thread) holds it, with its process id and host; or if
            the folder cannot be written to.

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
    """Raises the `UserError` of `locked` where another process holds the lock; makes no file."""
    if Path(file).is_file():
        with locked(file, what):
            pass


def _holder(file: Path) -> str:
    try:
        holder = json.loads(file.with_name(file.name + HOLDER).read_text(encoding="utf-8"))
        return f"process {int(holder['process'])} on {str(holder['host'])!r}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
