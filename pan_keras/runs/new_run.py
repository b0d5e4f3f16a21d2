"""Creates a run folder: locked while written, removed if training never began."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from pan_keras.config.config import Config
from pan_keras.errors import UserError
from pan_keras.lock import HOLDER, locked, refuse_locked
from pan_keras.remote.addresses import displayed, is_remote
from pan_keras.runs.run import Run

LOCK = ".lock"


def refuse_taken(folder: Path) -> None:
    """Checks that a folder can be used for a new run.

    Raises:
        UserError: If another process trains in it, or it is not empty.
    """
    if is_remote(folder):
        raise UserError(
            f"{displayed(folder)}: training writes to a local disk; name a folder, and have the "
            "finished run copied with --copy-to"
        )
    refuse_locked(folder / LOCK, str(folder))
    _refuse_content(folder)


@contextmanager
def new_run(path: Path | None, config: Config) -> Iterator[Run]:
    """Creates and locks a run folder; removes it if the block fails without a checkpoint.

    Args:
        path: The folder; by default the next free `runs/SOURCE-MODEL-NUMBER`.
        config: Its configuration, for the default name.

    Raises:
        UserError: If the folder is not empty, cannot be created, or another process trains in it.

    Example:
        >>> with new_run(Path("runs/a"), config) as run:
        ...     run.write("config.toml", config.to_toml())
    """
    folder, made = _make_folder(path, config)
    empty = False
    try:
        with locked(folder / LOCK, str(folder)):
            # Another process may have written into the folder since the first check.
            _refuse_content(folder)
            empty = True
            yield Run(folder)
    except BaseException:
        if empty and not any((folder / "checkpoints").glob("*.npz")):
            _remove_content(folder)
        for each in made:
            with suppress(OSError):  # another process has written into it
                each.rmdir()
        raise


def _make_folder(path: Path | None, config: Config) -> tuple[Path, list[Path]]:
    """Creates the folder of a new run; returns it and all folders created, deepest first."""
    numbers = count(1)
    while True:
        name = f"{Path(config.data.source).stem}-{config.model.name}-{next(numbers)}"
        folder = Path(path) if path is not None else Path("runs") / name
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        try:
            # Of two processes looking for a free name, only one creates the folder.
            folder.mkdir(parents=True, exist_ok=path is not None)
        except FileExistsError:
            if path is None:
                continue
            raise UserError(f"{folder}: a file is in the way; name another --run") from None
        except OSError as error:
            reason = error.strerror
            raise UserError(
                f"{folder}: cannot be created ({reason}); name another --run"
            ) from error
        return folder, missing


def _remove_content(folder: Path) -> None:
    for file in folder.iterdir():
        if file.is_dir():
            shutil.rmtree(file, ignore_errors=True)
        else:
            file.unlink(missing_ok=True)


def _refuse_content(folder: Path) -> None:
    ours = (LOCK, LOCK + HOLDER)
    if folder.exists() and (
        not folder.is_dir() or any(file.name not in ours for file in folder.iterdir())
    ):
        raise UserError(f"{folder}: exists; add --resume to continue it, or name another --run")
