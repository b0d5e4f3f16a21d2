"""Reads and writes the files of a run folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pan_keras.errors import UserError
from pan_keras.files import read_text, replacing
from pan_keras.remote.addresses import address_of


@dataclass(frozen=True)
class RunFolder:
    """Reads and writes the files of a folder.

    Args:
        path: The folder.
    """

    path: Path

    def read_text(self, name: str) -> str:
        """Reads a text file.

        Raises:
            UserError: If it cannot be read.
        """
        try:
            return read_text(self.path / name)
        except OSError as error:
            raise UserError(
                f"{self.path / name}: not readable ({error.strerror}); "
                "is this the folder of a finished `pan-keras train`?"
            ) from None

    def read_json(self, name: str) -> dict[str, Any]:
        """Reads the object in a JSON file.

        Raises:
            UserError: If it cannot be read or holds no object.
        """
        try:
            record = json.loads(self.read_text(name))
        except (ValueError, RecursionError) as error:
            raise self.damaged(name, error) from None
        if not isinstance(record, dict):
            raise self.damaged(name, "no JSON object")
        return record

    def writable(self, name: str) -> Path:
        """The path of a file to write.

        Args:
            name: The file.

        Raises:
            UserError: If this is a copy in remote storage, which is only read.
        """
        address = address_of(self.path)
        if address is not None:
            raise UserError(
                f"{address.rpartition('/')[0]}: a run in remote storage is only read; copy it to a "
                "folder with pan-keras copy, or name an output elsewhere"
            )
        return self.path / name

    def write(self, name: str, content: str | dict[str, Any]) -> None:
        """Writes one file atomically.

        Args:
            name: The file.
            content: Text, or an object to write as JSON.
        """
        text = content if isinstance(content, str) else json.dumps(content, indent=2) + "\n"
        with replacing(self.writable(name)) as temporary:
            # File names need not be UTF-8.
            temporary.write_bytes(text.encode("utf-8", "surrogateescape"))

    def damaged(self, name: str, reason: object) -> UserError:
        """Returns the error for a damaged file.

        Args:
            name: The file.
            reason: What is wrong with it.
        """
        return UserError(f"{self.path / name}: damaged ({str(reason)[:200]}); train the run again")
