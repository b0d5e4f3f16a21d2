"""Settings in sections, put together from several places; what is unknown or of a wrong type fails.

A set of settings is a dataclass of sections, and a section is a dataclass of values.
"""

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pan_keras.errors import UserError
from pan_keras.training.config_values import typed

Settings = TypeVar("Settings")

Tables = Mapping[str, Any]


def assemble(kind: type[Settings], layers: Iterable[tuple[str, Tables]]) -> Settings:
    """Puts settings together; what comes later wins.

    Args:
        kind: The dataclass of sections.
        layers: Where each set of tables comes from, and the tables by section.

    Raises:
        UserError: If a section or key is unknown, or a value of the wrong type.
    """
    values: dict[str, dict[str, Any]] = {}
    for where, tables in layers:
        for name, table in tables.items():
            section = _known(name, _types(kind), where)
            if not isinstance(table, Mapping):
                raise UserError(f"{where}: {name} is a section; write {name}.KEY = VALUE")
            keys = _types(section)
            for key, value in table.items():
                expected = _known(key, keys, where, prefix=f"{name}.")
                checked = typed(value, expected, f"{where}: {name}.{key}")
                values.setdefault(name, {})[key] = checked
    sections = _types(kind)
    return kind(**{name: sections[name](**table) for name, table in values.items()})


def override(item: str) -> dict[str, dict[str, Any]]:
    """Reads `section.key=value`, the value as in TOML; a bare word is a string.

    Raises:
        UserError: If it is not of that form.
    """
    name, equals, text = item.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and key):
        raise UserError(f"--set {item}: write section.key=value, such as training.seed=7")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    return {section: {key: value}}


def _types(section) -> dict[str, Any]:
    hints = typing.get_type_hints(section)
    return {item.name: hints[item.name] for item in dataclasses.fields(section)}


def _known(name: str, names: Mapping[str, Any], where: str, prefix: str = "") -> Any:
    if name in names:
        return names[name]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
    raise UserError(f"{where}: there is no {prefix}{name}; did you mean {prefix}{near}?")
