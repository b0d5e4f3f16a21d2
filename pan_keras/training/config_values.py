"""Values of a configuration: their types, and how TOML writes them."""

import types
import typing
from typing import Any, Literal, Union

from pan_keras.errors import UserError

WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}


def typed(value: Any, expected: Any, where: str) -> Any:
    """The value of a key, brought to the type that the key has.

    Args:
        value: As TOML gave it.
        expected: A type hint of a section of the configuration.
        where: File and key, for the message.

    Raises:
        UserError: If the value is of another type.
    """
    origin = typing.get_origin(expected)
    if origin in (Union, types.UnionType):
        expected = next(part for part in typing.get_args(expected) if part is not types.NoneType)
        return typed(value, expected, where)
    if origin is Literal:
        choices = typing.get_args(expected)
        if value in choices:
            return value
        raise UserError(f"{where} is {value!r}; it must be one of {', '.join(choices)}")
    if origin is tuple:
        return _typed_tuple(value, typing.get_args(expected), where)
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is expected:
        return value
    raise UserError(f"{where} is {value!r}; it must be {WANTED[expected]}")


def _typed_tuple(value: Any, parts: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if parts[-1] is Ellipsis:
        if isinstance(value, (list, tuple)):
            return tuple(typed(part, parts[0], where) for part in value)
        raise UserError(f"{where} is {value!r}; it must be a list, such as [0.5, 0.75]")
    given = [value, value] if type(value) is int else value
    if isinstance(given, (list, tuple)) and len(given) == len(parts):
        return tuple(typed(part, kind, where) for part, kind in zip(given, parts, strict=True))
    raise UserError(f"{where} is {value!r}; it must be [height, width] or one number")


def to_toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return f"[{', '.join(to_toml(part) for part in value)}]"
    return repr(value)
