"""Data set cards: what a data set is, how it is split, and how to begin training on it."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pan_keras import shipped
from pan_keras.data.clip import SPLITS
from pan_keras.data.labels import checked_label
from pan_keras.errors import UserError

LARGEST = 1 << 20  # bytes
GENERATOR = "motions"


@dataclass(frozen=True)
class SplitRule:
    """Clips belong to a split if a column of the manifest has one of these values.

    Args:
        split: `"test"` or `"val"`; what no rule takes is for training.
        column: Name of a column.
        values: Values of that column.
    """

    split: str
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """A data set, as its file `datasets/NAME.toml` describes it.

    Args:
        name: Name on the command line.
        title: Name in full.
        classes: Classes in the order of their labels; empty if the folders tell them.
        exclude: Labels in the data that are no class; their clips are left out.
        manifest: CSV under the root that lists the clips; None if folders tell classes and
            splits.
        split: Rules over columns of the manifest, tried in order.
        flip: Whether a mirrored clip still shows its class.
        training: Good defaults, in tables named as those of the training configuration.
        generator: `"motions"` if the data are made, not fetched.
        licence: Licence of the data.
        citation: What to cite.
        source: Where to get the data.

    Example:
        >>> load_card("egogestar").flip
        False
    """

    name: str
    title: str
    classes: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    manifest: str | None = None
    split: tuple[SplitRule, ...] = ()
    flip: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)
    generator: str | None = None
    licence: str = ""
    citation: str = ""
    source: str = ""


def card_names() -> list[str]:
    """Names of the cards that ship with the package."""
    return sorted(file.stem for file in shipped.folder("datasets").glob("*.toml"))


def is_card(source: str | Path) -> bool:
    """Whether a data source is a card, a shipped one by name or one's own by path.

    Args:
        source: What `open_data` takes.
    """
    return str(source) in card_names() or is_own_card(source)


def is_own_card(source: str | Path) -> bool:
    """Whether a data source is the path of a card of one's own."""
    return Path(source).suffix.lower() == ".toml"


def card_text(source: str | Path) -> str:
    """The file of a card, to keep beside what was made by it.

    Args:
        source: Name of a shipped card, or the path of one of your own.
    """
    return _file(source).read_text(encoding="utf-8")


def load_card(name_or_path: str | Path) -> Card:
    """Loads a card by name, or one of your own by path.

    Args:
        name_or_path: Name of a shipped card, or a path that ends in `.toml`.

    Raises:
        UserError: If there is no such card, or it has an unknown key or a value of a wrong type.
    """
    path = _file(name_or_path)
    if not path.exists():
        near = _nearest(str(name_or_path), card_names())
        raise UserError(f"{name_or_path}: there is no such data set card; {near}")
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            raise UserError(f"{path}: this is no data set card; name a TOML file of under 1 MiB")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: this is not a TOML file ({error}); fix it") from error
    except RecursionError as error:
        raise UserError(f"{path}: its tables are nested too deep for a card; fix it") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    return _card(path, table)


def _file(name_or_path: str | Path) -> Path:
    if is_own_card(name_or_path):
        return Path(name_or_path).expanduser()
    return shipped.folder("datasets") / f"{name_or_path}.toml"


def _card(path: Path, table: dict[str, Any]) -> Card:
    types = {item.name: item.type for item in fields(Card)}
    for key, value in table.items():
        if key not in types:
            raise UserError(f"{path}: unknown key {key!r}; {_nearest(key, list(types))}")
        _check_type(path, key, value, types[key])
    for key in ("name", "title"):
        if not table.get(key, "").strip():
            raise UserError(f"{path}: the key {key!r} is missing; add it")
    if table.get("generator", GENERATOR) != GENERATOR:
        raise UserError(
            f"{path}: unknown generator {table['generator']!r}; {GENERATOR!r} is the only one"
        )
    rules = tuple(_rule(path, split, rule) for split, rule in table.pop("split", {}).items())
    if rules and "manifest" not in table:
        raise UserError(f"{path}: a split rule needs the key 'manifest'; name the CSV file")
    values: dict[str, Any] = {**table, "split": rules}
    named: set[str] = set()
    for key in ("classes", "exclude"):
        values[key] = tuple(checked_label(name, f"{path}, {key}") for name in table.get(key, ()))
        for name in values[key]:
            if name in named:
                raise UserError(f"{path}: the label {name!r} comes twice; take one of the two out")
            named.add(name)
    return Card(**values)


def _check_type(path: Path, key: str, value: Any, declared: Any) -> None:
    if key in ("classes", "exclude"):
        good, wanted = _are_strings(value), "a list of strings"
    elif key in ("split", "training"):
        good, wanted = isinstance(value, dict), "a table"
    elif declared is bool:
        good, wanted = isinstance(value, bool), "true or false"
    else:
        good, wanted = isinstance(value, str), "a string"
    if not good:
        raise UserError(f"{path}: {key!r} is {value!r}; it must be {wanted}")


def _rule(path: Path, split: str, rule: Any) -> SplitRule:
    if split not in SPLITS[1:]:
        raise UserError(f"{path}: unknown split {split!r}; {_nearest(split, list(SPLITS[1:]))}")
    if not isinstance(rule, dict) or set(rule) != {"column", "values"}:
        raise UserError(f"{path}: split.{split} must have the keys 'column' and 'values'")
    if not isinstance(rule["column"], str) or not _are_strings(rule["values"]):
        raise UserError(f"{path}: split.{split}: column is a string and values a list of strings")
    return SplitRule(split, rule["column"], tuple(value.strip() for value in rule["values"]))


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
