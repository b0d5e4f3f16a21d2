"""Reads and writes typed sections as TOML, with `section.key=value` overrides."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import TypeAdapter, ValidationError

from pan_keras.config.section import fault
from pan_keras.errors import UserError

LARGEST_FILE = 1_000_000  # bytes of a TOML file

_Settings = TypeVar("_Settings")
Tables = Mapping[str, Any]


def assemble(kind: type[_Settings], layers: Iterable[tuple[str, Tables]]) -> _Settings:
    """Merges layers of settings; later ones win.

    Args:
        kind: A dataclass of sections, or a section.
        layers: The origin of each set of tables, and its values by section and key.

    Raises:
        UserError: If a section or key is unknown, or a value that takes effect is of the wrong type
            or out of bounds. The sentence begins with the origin of the value.

    Example:
        >>> layers = [("a.toml", {"training": {"epochs": 3}}), ("--set", {"training": {"seed": 1}})]
        >>> assemble(Config, layers).training.epochs
        3
    """
    layers = list(layers)
    values: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for where, tables in layers:
        for name, table in tables.items():
            before = values.get(name, {})
            if not isinstance(table, Mapping):
                values[name], origins[name,] = table, where
            elif isinstance(before, Mapping):
                values[name], origins[name,] = {**before, **table}, where
                origins |= {(name, key): where for key in table}
            # Otherwise a value stands in place of a section, which is refused below.
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        path, sentence = fault(error, kind, values)
        # A missing key has no origin: report the last layer.
        where = origins.get(path[:2]) or origins.get(path[:1]) or layers[-1][0]
        raise UserError(_from(where, sentence)) from None
    except UserError as error:
        # A conflict between values can be attributed only if all come from one layer.
        places = {where for where, tables in layers if where and tables}
        raise UserError(_from(places.pop() if len(places) == 1 else "", str(error))) from None


def override(item: str) -> dict[str, dict[str, Any]]:
    """Parses `section.key=value`, the value as in TOML; a bare word is a string.

    Raises:
        UserError: If the text is not of that form.

    Example:
        >>> override("training.seed=7"), override("data.cache=disk")
        ({'training': {'seed': 7}}, {'data': {'cache': 'disk'}})
    """
    name, equals, text = item.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and key):
        raise UserError(f"--set {item}: write section.key=value, such as training.seed=7")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # not TOML, or nested too deeply
        value = text
    return {section: {key: value}}


def read_toml(path: Path, instead: str = "a TOML file") -> dict[str, Any]:
    """Reads a TOML file.

    Args:
        path: The file.
        instead: What the error suggests instead of a missing file.

    Raises:
        UserError: If it is missing, not a file, larger than a megabyte or not TOML.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a file; give {instead}")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise UserError(f"{path}: larger than a megabyte; give a file of settings")
        return tomllib.loads(content.decode("utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give {instead}") from None
    except RecursionError:
        raise UserError(f"{path}: nested too deeply for a file of settings; fix it") from None
    except (ValueError, OSError) as error:
        # Besides TOMLDecodeError, Python's errors for undecodable bytes and oversized integers.
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: not readable as TOML ({reason}); fix the file") from None


def to_tables(settings: Any) -> dict[str, Any]:
    """Returns the values of a section, or of a dataclass of sections, by name, without None."""

    def told(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {name: value for name, value in pairs if value is not None}

    return dataclasses.asdict(settings, dict_factory=told)


def to_toml(settings: Any, **first: Any) -> str:
    """Returns settings as TOML that reads back unchanged.

    Args:
        settings: A dataclass of sections.
        **first: Values written above the sections.
    """
    return tomli_w.dumps({**first, **to_tables(settings)})


def _from(where: str, sentence: str) -> str:
    return f"{where}: {sentence}" if where else sentence
