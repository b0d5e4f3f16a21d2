"""Typed configuration sections, with bounds in the field types and one-sentence errors."""

import dataclasses
import difflib
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union

import pydantic
from pydantic import Field, StrictStr, ValidationError
from pydantic.fields import FieldInfo

from pan_keras.errors import UserError

SIMILARITY = 0.6  # of two names, above which one is suggested for the other
LONGEST = 80  # characters of a value in a message

# Names and paths: Unicode without NUL, which ends a path.
Text = Annotated[StrictStr, Field(pattern=r"\A[^\x00]*\z")]

_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
_PLURAL = {int: "a list of whole numbers", float: "a list of numbers", str: "a list of strings"}
_Section = TypeVar("_Section")


@dataclass(frozen=True)
class Kind:
    """Describes the values of a field in words, where its type does not.

    Args:
        words: Completes "it must be ...".

    Example:
        >>> kind_of(Annotated[tuple[int, int], Kind("[height, width]")])
        '[height, width]'
    """

    words: str


def section(kind: type[_Section]) -> type[_Section]:
    """Makes the constructor of a frozen dataclass validate its values, with pydantic.

    Lists become tuples and tables become sections. The constructor and `dataclasses.replace` raise
    `UserError` for an unknown field, or a value of the wrong type or out of bounds.

    Example:
        >>> @section
        ... @dataclass(frozen=True)
        ... class Loader:
        ...     workers: Annotated[StrictInt, Field(ge=1)] = 2
        >>> Loader(workers=0)
        Traceback (most recent call last):
        pan_keras.errors.UserError: Loader: workers is 0; it must be a whole number, at least 1
    """
    decorate = pydantic.dataclasses.dataclass(frozen=True, config={"extra": "forbid"})
    checked: type[Any] = decorate(kind)
    construct = checked.__init__

    @functools.wraps(construct)
    def construct_or_refuse(self: Any, **values: Any) -> None:
        try:
            construct(self, **values)
        except ValidationError as error:
            raise UserError(f"{kind.__name__}: {fault(error, checked, values)[1]}") from None

    checked.__init__ = construct_or_refuse
    checked.__doc__ = kind.__doc__
    return checked


def fault(
    error: ValidationError, kind: type, values: Mapping[str, Any]
) -> tuple[tuple[str, ...], str]:
    """Describes the first fault that pydantic found, preferring a misspelt key to a missing one.

    Args:
        error: The error of pydantic.
        kind: The section, or dataclass of sections, that was validated.
        values: The validated values by name; those of a section may be a table.

    Returns:
        The path to the value, such as `("training", "seed")`, and a sentence on the fault.
    """
    faults = error.errors(include_url=False, include_context=False)
    found = min(faults, key=lambda each: each["type"] == "missing")
    place, reason = found["loc"], found["type"]
    path = tuple(str(part) for part in place[: _depth(place)])
    key = ".".join(path)
    if reason == "unexpected_keyword_argument" or place[-1] == "[key]":
        return path, f"there is no {key}; {advice(kind, path)}"
    if reason == "missing":
        return path, f"{key} is missing; add it"
    if reason == "dataclass_type":
        return path, f"{key} is a section; write {key}.KEY = VALUE"
    value = shown(functools.reduce(lambda table, name: table[name], path, values))
    if reason in ("string_unicode", "string_pattern_mismatch"):
        return path, f"{key} is {value}, which is not Unicode text; rename the file or folder"
    return path, f"{key} is {value}; it must be {wanted(hint_of(kind, path))}"


def advice(kind: type, path: tuple[str, ...]) -> str:
    """Suggests what to write instead of an unknown name.

    Args:
        kind: The dataclass in which it was looked up.
        path: The names of the sections, then the unknown name.

    Returns:
        The key of that name in another section, keys of similar names, or all keys.

    Example:
        >>> advice(Config, ("training", "epoch"))
        'did you mean training.epochs?'
    """
    *sections, name = path
    parent = ".".join(sections)
    known = _names(hint_of(kind, tuple(sections)))
    others = {each: _names(hint_of(kind, (each,))) for each in _names(kind)}
    close = [f"{each}.{name}" for each, keys in others.items() if name in keys]
    if not close:
        near = difflib.get_close_matches(name, known, n=3 if sections else 1, cutoff=SIMILARITY)
        close = [f"{parent}.{each}" if parent else each for each in near]
    if close:
        return f"did you mean {' or '.join(close)}?"
    listed = ", ".join(known)
    if parent:
        return f"{parent} has {listed}"
    return f"the {'sections' if all(others.values()) else 'keys'} are {listed}"


def hint_of(kind: Any, path: tuple[str, ...]) -> Any:
    """Returns the type hint of a value, with its bounds.

    Args:
        kind: A section, or a dataclass of sections.
        path: The path to the value.
    """
    for name in path:
        bare = _bare(kind)
        is_table = not dataclasses.is_dataclass(bare)
        kind = typing.get_args(bare)[1] if is_table else hints(bare)[name]
    return kind


def hints(kind: Any) -> dict[str, Any]:
    """Returns the type hints of a section's fields, with their bounds."""
    found = typing.get_type_hints(kind, include_extras=True)
    return {item.name: found[item.name] for item in dataclasses.fields(kind)}


def kind_of(hint: Any) -> str:
    """Describes the kind of a field's values in words.

    Example:
        >>> kind_of(Literal["none", "memory"]), kind_of(int | None), kind_of(tuple[float, ...])
        ('one of none, memory', 'a whole number', 'a list of numbers')
    """
    for item in _metadata(hint):
        if isinstance(item, Kind):
            return item.words
    bare, parts = _bare(hint), typing.get_args(_bare(hint))
    origin = typing.get_origin(bare) or bare
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if origin is tuple:
        one = _bare(parts[0])
        return _PLURAL.get(one) or f"a list, each {kind_of(one)}"
    return _KINDS.get(origin, "a table")


def bounds_of(hint: Any) -> dict[str, float]:
    """Returns the bounds `ge`, `gt`, `le`, `lt` of a field's values; for a list, of its items.

    Example:
        >>> bounds_of(Annotated[int, Field(ge=1, le=256)])
        {'ge': 1, 'le': 256}
    """
    if typing.get_origin(_bare(hint)) is tuple:
        return bounds_of(typing.get_args(_bare(hint))[0])
    return {
        name: getattr(bound, name)
        for item in _metadata(hint)
        for bound in (item.metadata if isinstance(item, FieldInfo) else [item])
        for name in ("ge", "gt", "le", "lt")
        if hasattr(bound, name)
    }


def bounds_in_words(hint: Any) -> str:
    """Describes the bounds of a field's values in words; empty if there are none.

    Example:
        >>> bounds_in_words(Annotated[int, Field(ge=1, le=256)])
        'at least 1 and at most 256'
        >>> bounds_in_words(Annotated[float, Field(ge=0, lt=1)])
        'in [0, 1)'
    """
    bounds = bounds_of(hint)
    if bounds.keys() == {"ge", "lt"}:
        return f"in [{bounds['ge']}, {bounds['lt']})"
    if bounds == {"ge": 0, "le": 1}:
        return "in [0, 1]"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return " and ".join(f"{words[name]} {bounds[name]}" for name in words if name in bounds)


def wanted(hint: Any) -> str:
    """Describes the values that a field accepts: their kind and bounds.

    Example:
        >>> wanted(Annotated[float, Field(ge=0, lt=1)])
        'a number, in [0, 1)'
    """
    return ", ".join(filter(None, (kind_of(hint), bounds_in_words(hint))))


def shown(value: Any) -> str:
    """Returns a value as text for a message, truncated if long."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or an integer of thousands of digits
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _depth(place: tuple[int | str, ...]) -> int:
    """Counts the parts of a location that are names, up to an index into a list."""
    end = (part for part, name in enumerate(place) if isinstance(name, int) or name == "[key]")
    return next(end, len(place))


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (Union, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def _metadata(hint: Any) -> tuple[Any, ...]:
    return getattr(_without_none(hint), "__metadata__", ())


def _bare(hint: Any) -> Any:
    """Returns a type hint without bounds and `None`."""
    hint = _without_none(hint)
    return _bare(typing.get_args(hint)[0]) if hasattr(hint, "__metadata__") else hint


def _names(hint: Any) -> list[str]:
    """Lists the keys of a section, or of a table with fixed keys."""
    bare = _bare(hint)
    if dataclasses.is_dataclass(bare):
        return [item.name for item in dataclasses.fields(bare)]
    if typing.get_origin(bare) in (dict, Mapping):
        return [str(name) for name in typing.get_args(typing.get_args(bare)[0])]
    return []
