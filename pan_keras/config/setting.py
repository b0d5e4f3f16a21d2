"""The settings of training, one by one: what `pan-keras settings` prints."""

import dataclasses
import difflib
import inspect
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pan_keras.config.config import Config, load_config
from pan_keras.config.config_values import kind_of
from pan_keras.config.settings import CUTOFF, advice, section_advice
from pan_keras.errors import UserError

ABSENT = "absent"


@dataclass(frozen=True)
class Setting:
    """One key of the configuration.

    Attributes:
        key: Section and name, such as `training.epochs`.
        kind: What values look like.
        bounds: Which values are allowed; empty for all of the kind.
        default: The value where nothing else is said, that of the recipe `small`; None if absent.
        paper: The value of the recipe `paper`; None if absent.
        help: One sentence.
    """

    key: str
    kind: str
    bounds: str
    default: Any
    paper: Any
    help: str

    def to_json(self) -> dict[str, Any]:
        """The setting for programs."""
        return dataclasses.asdict(self)

    def to_text(self) -> str:
        """Two lines for a person."""
        allowed = f"{self.kind}, {self.bounds}" if self.bounds else self.kind
        values = f"{self.key} = {_written(self.default)}"
        if self.paper != self.default:
            values += f" (paper: {_written(self.paper)})"
        return f"{values}\n    {self.help} [{allowed}]"


def settings(key: str | None = None) -> list[Setting]:
    """Lists the settings of training.

    Args:
        key: A key such as `training.epochs`, a section, or the name of a key in any section; by
            default all.

    Raises:
        UserError: If there is no such key.

    Example:
        >>> [setting.key for setting in settings("epochs")]
        ['training.epochs']
        >>> print(settings("model.dropout")[0].to_text())
        model.dropout = 0.3 (paper: 0.5)
            Share of features dropped in training. [a number, in [0, 1)]
    """
    every = list(_settings())
    if key is None:
        return every
    wanted = key.strip()
    found = [each for each in every if each.key == wanted]
    found = found or [each for each in every if each.key.partition(".")[0] == wanted]
    found = found or [each for each in every if each.key.partition(".")[2] == wanted]
    if not found:
        raise UserError(f"there is no setting {wanted}; {_advice(wanted, every)}")
    return found


def descriptions(section: type) -> dict[str, str]:
    """What the docstring of a section says of each key, on one line.

    Args:
        section: A dataclass with an `Args:` part in its docstring.
    """
    _, _, text = (section.__doc__ or "").partition("Args:\n")
    entries = re.findall(r"^(\w+): (.*(?:\n +.*)*)", inspect.cleandoc(text), re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in entries}


def _settings() -> Iterator[Setting]:
    small, paper = load_config("small"), load_config("paper")
    for section in dataclasses.fields(Config):
        kind = typing.get_type_hints(Config)[section.name]
        hints, texts = typing.get_type_hints(kind), descriptions(kind)
        for item in dataclasses.fields(kind):
            yield Setting(
                key=f"{section.name}.{item.name}",
                kind=kind_of(hints[item.name]),
                bounds=str(item.metadata.get("bounds", "")),
                default=getattr(getattr(small, section.name), item.name),
                paper=getattr(getattr(paper, section.name), item.name),
                help=texts[item.name].replace("`", ""),
            )


def _advice(key: str, every: list[Setting]) -> str:
    section, dot, name = key.partition(".")
    sections = [item.name for item in dataclasses.fields(Config)]
    if dot and section in sections:
        return advice(Config, section, name)
    if dot:
        return section_advice(Config, section)
    names = {setting.key.partition(".")[2]: setting.key for setting in every}
    near = difflib.get_close_matches(key, [*names, *sections], n=3, cutoff=CUTOFF)
    if near:
        return f"did you mean {' or '.join(names.get(each, each) for each in near)}?"
    return f"the sections are {', '.join(sections)}"


def _written(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value) or '""'
