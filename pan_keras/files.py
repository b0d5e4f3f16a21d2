"""Files that are whole or absent: written under a temporary name, then renamed."""

import errno
import os
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
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in FULL_DISK:
            raise UserError(
                f"{path}: the disk is full; free some space and run the command again "
                "(what was there before is untouched)"
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
