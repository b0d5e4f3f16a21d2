"""Settings in sections, put together from several places; what is unknown or of a wrong type fails.

A set of settings is a dataclass of sections, and a section is a dataclass of values.
"""

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pan_keras.config.config_values import typed
from pan_keras.errors import UserError

Settings = TypeVar("Settings")

Tables = Mapping[str, Any]

CUTOFF = 0.6  # likeness of a name below which a guess is none


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
            section = _section(kind, name, where)
            if not isinstance(table, Mapping):
                raise UserError(f"{where}: {name} is a section; write {name}.KEY = VALUE")
            keys = _types(section)
            for key, value in table.items():
                if key not in keys:
                    raise UserError(f"{where}: there is no {name}.{key}; {advice(kind, name, key)}")
                expected = keys[key]
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
    except (ValueError, RecursionError):  # no TOML, or more of it than can be read
        value = text
    return {section: {key: value}}


def advice(kind: type, section: str, key: str) -> str:
    """What to write instead of a key that does not exist.

    Args:
        kind: The dataclass of sections.
        section: The section that was named.
        key: The key that it has not.

    Returns:
        The key of that name in another section, a key of the section with nearly that name, or all
        keys of the section.

    Example:
        >>> advice(Config, "training", "sede")
        'did you mean training.seed?'
    """
    sections = {name: list(_types(each)) for name, each in _types(kind).items()}
    elsewhere = [f"{name}.{key}" for name, keys in sections.items() if key in keys]
    near = difflib.get_close_matches(key, sections[section], n=3, cutoff=CUTOFF)
    if elsewhere or near:
        close = elsewhere or [f"{section}.{name}" for name in near]
        return f"did you mean {' or '.join(close)}?"
    return f"{section} has {', '.join(sections[section])}"


def section_advice(kind: type, name: str) -> str:
    """What to write instead of a section that does not exist."""
    sections = list(_types(kind))
    near = difflib.get_close_matches(name, sections, n=1, cutoff=CUTOFF)
    return f"did you mean {near[0]}?" if near else f"the sections are {', '.join(sections)}"


def _section(kind: type, name: str, where: str) -> type:
    sections = _types(kind)
    if name not in sections:
        raise UserError(f"{where}: there is no {name}; {section_advice(kind, name)}")
    return sections[name]


def _types(section) -> dict[str, Any]:
    hints = typing.get_type_hints(section)
    return {item.name: hints[item.name] for item in dataclasses.fields(section)}
