"""Records what a folder was prepared from, so that another preparation does not overwrite it."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pan_keras.data.card import Card
from pan_keras.data.official_folds import CLASSES, prepared_classes
from pan_keras.errors import UserError
from pan_keras.files import read_text

RECORD = "prepared.json"


def record_text(card: Card, source: Path, output: Path) -> str:
    """Returns the record of a preparation as JSON.

    Args:
        card: The data set.
        source: Folder with its files.
        output: Folder of the manifest.
    """
    record = {"name": card.name, "source": _source(source, output)}
    return json.dumps(record, indent=2) + "\n"


def refuse_other_preparation(card: Card, source: Path, output: Path) -> None:
    """Raises an error if a folder holds the preparation of another data set or of other files.

    Args:
        card: The data set to prepare.
        source: Folder with its files.
        output: Folder for the manifest.

    Raises:
        UserError: If the folder was prepared from something else, or its manifest is foreign.
    """
    manifest = output / (card.manifest or "")
    if manifest.exists() and not (output / CLASSES).is_file():
        raise UserError(
            f"{manifest}: was not written by dataset prepare, since {CLASSES} is not beside it; "
            "name another folder, or move the file away"
        )
    file = output / RECORD
    if not file.exists():
        return
    try:
        record = json.loads(read_text(file))
        name, recorded = record["name"], record["source"]
        if not (isinstance(name, str) and isinstance(recorded, str)):
            raise TypeError
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(
            f"{file}: damaged, so what this folder was prepared from is unknown; name another "
            "folder, or remove the file"
        ) from error
    if (name, recorded) != (card.name, _source(source, output)):
        earlier = Path(os.path.normpath(output / recorded))
        raise UserError(
            f"{output}: holds {name} prepared from {earlier}, which {card.name} from {source} "
            f"would overwrite; name another folder, or remove {file}"
        )


def refuse_other_classes(card: Card, classes: Sequence[str], output: Path) -> None:
    """Raises an error if a folder without a record, of an earlier version, has other classes.

    Args:
        card: The data set to prepare.
        classes: Its classes.
        output: Folder for the manifest.

    Raises:
        UserError: If the classes differ.
    """
    if (output / RECORD).exists() or not (output / CLASSES).is_file():
        return
    if prepared_classes(output, card) != tuple(classes):
        raise UserError(
            f"{output / CLASSES}: has other classes than {card.name}, so another data set was "
            "prepared in this folder; name another folder, or remove the file"
        )


def _source(source: Path, output: Path) -> str:
    """The source as recorded: relative if it lies below the output, which may be moved."""
    here, there = (Path(os.path.abspath(each)) for each in (output, source))  # noqa: PTH100
    return (there.relative_to(here) if there.is_relative_to(here) else there).as_posix()
