"""Values of a configuration: their types and their bounds."""

import dataclasses
import math
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, Union

from pan_keras.errors import UserError

WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
LONGEST = 80  # characters of a value in a message


@dataclass(frozen=True)
class Bounds:
    """Values that a setting may have; of a list, each of its values.

    Args:
        least: Lowest value.
        above: The value must be above this one.
        most: Highest value.
        below: The value must be below this one.

    Example:
        >>> str(Bounds(least=1, most=256)), str(Bounds(least=0, below=1))
        ('at least 1 and at most 256', 'in [0, 1)')
    """

    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None

    def hold(self, value: Any) -> bool:
        """Whether a value, or each of a list, is within the bounds and finite."""
        if value is None:
            return True
        if isinstance(value, tuple):
            return all(self.hold(part) for part in value)
        return (
            (isinstance(value, int) or math.isfinite(value))
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        if self.least is not None and self.below is not None:
            return f"in [{self.least}, {self.below})"
        if self.least == 0 and self.most == 1:
            return "in [0, 1]"
        words = {"at least": self.least, "above": self.above, "at most": self.most}
        words["below"] = self.below
        return " and ".join(f"{word} {bound}" for word, bound in words.items() if bound is not None)


def bounded(default: Any, **bounds: float) -> Any:
    """A field of a section with a default and `Bounds`."""
    return dataclasses.field(default=default, metadata={"bounds": Bounds(**bounds)})


def check_bounds(section: Any, name: str) -> None:
    """Checks the values of a section against the bounds of its fields.

    Args:
        section: A dataclass.
        name: Its name, for the message.

    Raises:
        UserError: For the first value out of bounds.
    """
    for item in dataclasses.fields(section):
        bounds, value = item.metadata.get("bounds"), getattr(section, item.name)
        if bounds is not None and not bounds.hold(value):
            raise UserError(f"{name}.{item.name} is {shown(value)}; it must be {bounds}")


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
        if value in choices and type(value) is type(choices[0]):
            return value
        listed = ", ".join(map(str, choices))
        raise UserError(f"{where} is {shown(value)}; it must be one of {listed}")
    if origin is tuple:
        return _typed_tuple(value, typing.get_args(expected), where)
    if expected is float and type(value) is int:
        return _float(value, where)
    if type(value) is not expected:
        raise UserError(f"{where} is {shown(value)}; it must be {WANTED[expected]}")
    if expected is str:
        _check_text(value, where)
    return value


def kind_of(expected: Any) -> str:
    """What values of a type hint look like, for people.

    Example:
        >>> kind_of(Literal["none", "memory"]), kind_of(int | None), kind_of(tuple[int, int])
        ('none or memory', 'a whole number', '[height, width] or one number')
    """
    origin, parts = typing.get_origin(expected), typing.get_args(expected)
    if origin in (Union, types.UnionType):
        return kind_of(next(part for part in parts if part is not types.NoneType))
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin is tuple:
        return "a list of numbers" if parts[-1] is Ellipsis else "[height, width] or one number"
    return WANTED[expected]


def shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _float(value: int, where: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise UserError(f"{where} is too large for a number; give a smaller one") from None


def _check_text(value: str, where: str) -> None:
    try:
        value.encode()
        readable = "\0" not in value
    except UnicodeEncodeError:
        readable = False
    if not readable:
        raise UserError(
            f"{where} is {shown(value)}, which is not Unicode text; rename the file or folder"
        )


def _typed_tuple(value: Any, parts: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if parts[-1] is Ellipsis:
        if isinstance(value, (list, tuple)):
            return tuple(typed(part, parts[0], where) for part in value)
        raise UserError(f"{where} is {shown(value)}; it must be a list, such as [0.5, 0.75]")
    given = [value, value] if type(value) is int else value
    if isinstance(given, (list, tuple)) and len(given) == len(parts):
        return tuple(typed(part, kind, where) for part, kind in zip(given, parts, strict=True))
    raise UserError(f"{where} is {shown(value)}; it must be [height, width] or one number")
