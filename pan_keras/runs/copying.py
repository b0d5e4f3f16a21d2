"""Copies runs and bundles to remote storage and back."""

import shutil
from collections.abc import Callable
from pathlib import Path

from pan_keras.bundle import Bundle, is_bundle
from pan_keras.errors import UserError
from pan_keras.files import replacing_folder
from pan_keras.lock import refuse_locked
from pan_keras.remote.addresses import displayed, is_remote
from pan_keras.remote.copies import COPYING, local_copy, refuse_taken, write_copy
from pan_keras.runs.new_run import LOCK
from pan_keras.runs.run import open_run

CHECKPOINTS = "checkpoints"  # of the training, which are several times as large as the model

Progress = Callable[[str, int, int], None]


def check_target(target: str) -> None:
    """Checks that a run can be copied to an address, before it is trained.

    Args:
        target: The address.

    Raises:
        UserError: If it is none, something is there, or remote storage cannot be asked.

    Example:
        >>> check_target("s3://bucket/models/waves")
    """
    if not is_remote(target):
        raise UserError(f"{target}: not an address, such as s3://BUCKET/NAME")
    refuse_taken(target)


def copy_model(source: Path | str, target: Path | str, *, progress: Progress | None = None) -> str:
    """Copies a finished run or a bundle to remote storage, or from there to a folder.

    A copy of a run has everything but the checkpoints that `train --resume` continues from. A
    remote copy is complete or cannot be opened. Nothing is overwritten.

    Args:
        source: A run folder or bundle, or the address of one that was copied.
        target: An address, such as `s3://bucket/models/waves`, or a folder.
        progress: Called with the task, the number of files done and the total.

    Returns:
        The target.

    Raises:
        UserError: If the source is no finished run or bundle, the target exists, or remote storage
            cannot be read or written.

    Example:
        >>> copy_model("runs/demo/bundle", "s3://bucket/models/demo")
        's3://bucket/models/demo'
    """
    if is_remote(source) == is_remote(target):
        raise UserError(
            f"{target}: copy between a folder and remote storage, such as s3://BUCKET/NAME; one of "
            "the two must be an address"
        )
    if is_remote(target):
        names = _files(Path(source))
        write_copy(Path(source), names, displayed(target), progress)
        return displayed(target)
    folder = Path(target)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: exists; name a folder that does not")
    copied = local_copy(source)
    names = _files(copied)
    with replacing_folder(folder) as temporary:
        for number, name in enumerate(names):
            if progress is not None:
                progress(COPYING, number, len(names))
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copied / name, temporary / name)
    return str(folder)


def _files(folder: Path) -> list[str]:
    """Lists the files of a run or bundle to copy, without hidden ones."""
    if is_bundle(folder):
        Bundle.open(folder)  # refuses a damaged one
    else:
        run = open_run(folder)
        if not (folder / "model.keras").is_file():
            raise UserError(f"{folder}: has no model yet; finish the training first")
        refuse_locked(run.path / LOCK, str(folder))
    found = []
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if file.is_file() and not hidden and parts[0] != CHECKPOINTS:
            found.append("/".join(parts))
    return found
