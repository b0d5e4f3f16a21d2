"""A SQLite file that caches data and is rebuilt if unusable."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import av

# Increase this when the rows for the same clip change.
VERSION = 1
APPLICATION = 0x50414E4B
PATIENCE = 10.0  # seconds to wait for another process's write lock
TABLES = (
    "CREATE TABLE about (made_by TEXT NOT NULL)",
    "CREATE TABLE clips (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER,"
    " changed INTEGER, frames INTEGER, rate REAL, width INTEGER, height INTEGER,"
    " rotation INTEGER, mirrored INTEGER, remark TEXT)",
    # In a separate table, because every opening reads all rows of `clips`.
    "CREATE TABLE frame_indexes (id INTEGER PRIMARY KEY, content BLOB)",
)
# Added to indexes of earlier versions.
DIGESTS = "CREATE TABLE digests (id INTEGER PRIMARY KEY, ends BLOB, whole BLOB)"

Found = TypeVar("Found")


class IndexFile:
    """The file of a clip index, shared by all threads of this process.

    If the file is damaged, foreign, or from another version of this package or of libav, it is
    deleted and rebuilt. If it cannot be used at all, for example because the disk is full, lookups
    find nothing and writes are dropped. Either case adds a sentence to `words`. The file uses
    SQLite's rollback journal, because the write-ahead log leaves two more files beside the data and
    fails on network file systems.

    Args:
        path: The file; created on first use.

    Attributes:
        words: Warnings for the user, as sentences without a full stop.
    """

    def __init__(self, path: Path):
        self.path = path
        self.words: list[str] = []
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._usable = True
        self._patient = True

    def attempt(self, action: Callable[[sqlite3.Connection], Found], otherwise: Found) -> Found:
        """Runs an action on the open index; returns `otherwise` if the index cannot be used."""
        with self._lock:
            for remade in (False, True):
                if not self._usable:
                    break
                try:
                    return action(self._opened())
                except sqlite3.OperationalError as error:
                    # A full disk, a file system without locks, or a lock that is never released.
                    if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY and self._patient:
                        self._patient = False
                        break
                    self._give_up(error)
                except (sqlite3.DatabaseError, _Foreign) as error:
                    if remade:
                        self._give_up(error)
                    else:
                        self._remove(error)
                except OSError as error:
                    self._give_up(error)
        return otherwise

    def _opened(self) -> sqlite3.Connection:
        if self._process != os.getpid():  # connections must not be used across a fork
            self._connection, self._process = None, os.getpid()
        if self._connection is None:
            if self.path.is_symlink() or (self.path.exists() and not self.path.is_file()):
                raise _Foreign("it is not a file")
            connection = sqlite3.connect(
                self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _remove(self, reason: Exception) -> None:
        self._close()
        self.words.append(f"{self.path}: the index of clips will be rebuilt ({reason})")
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.with_name(self.path.name + "-journal").unlink(missing_ok=True)

    def _give_up(self, reason: Exception) -> None:
        self._close()
        self._usable = False
        self.words.append(
            f"{self.path}: the index of clips cannot be used ({reason}), so files will be read "
            "again next time"
        )

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits the changes of the block, or rolls them back on error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


class _Foreign(Exception):  # noqa: N818, the name describes the file's state
    """Raised for a file that is not an index of this version."""


def _made_by() -> str:
    libraries = (
        f"{name} {'.'.join(map(str, v))}" for name, v in sorted(av.library_versions.items())
    )
    return "; ".join(each for each in libraries if each.startswith(("libavcodec", "libavformat")))


def _prepare(connection: sqlite3.Connection) -> None:
    """Creates the tables of a new index; refuses a foreign file."""
    # Code in the schema of an untrusted file must not run.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    if _is_ours(connection):
        return
    with transaction(connection):
        if _is_ours(connection):  # created by another process in the meantime
            return
        if _is_ours(connection, TABLES):
            connection.execute(DIGESTS)
            return
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise _Foreign("it was written by another program or another version")
        for table in (*TABLES, DIGESTS):
            connection.execute(table)
        connection.execute("INSERT INTO about VALUES (?)", (_made_by(),))
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _is_ours(connection: sqlite3.Connection, tables: tuple[str, ...] = (*TABLES, DIGESTS)) -> bool:
    def one(query: str) -> Any:
        return (connection.execute(query).fetchone() or (None,))[0]

    return (
        one("PRAGMA application_id") == APPLICATION
        and one("PRAGMA user_version") == VERSION
        and {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master") if sql}
        == set(tables)
        and one("SELECT made_by FROM about") == _made_by()
    )
