"""Reference of all settings: key, default, meaning and allowed values."""

import dataclasses
import difflib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pan_keras.config.config import Config
from pan_keras.config.loading import load_config
from pan_keras.config.section import SIMILARITY, advice, bounds_in_words, hints, kind_of
from pan_keras.errors import UserError

ABSENT = "absent"


@dataclass(frozen=True)
class Entry:
    """One key of a section.

    Attributes:
        section: Name of the section.
        key: Name in the section.
        kind: Kind of value, in words.
        bounds: Allowed values; empty for all of the kind.
        default: Default of the field; None if absent.
        description: One or more sentences in Markdown, on one line.
    """

    section: str
    key: str
    kind: str
    bounds: str
    default: Any
    description: str


@dataclass(frozen=True)
class Setting:
    """One key of the configuration.

    Attributes:
        key: Section and name, such as `training.epochs`.
        kind: Kind of value, in words.
        bounds: Allowed values; empty for all of the kind.
        default: Default, that of the recipe `small`; None if absent.
        paper: The value of the recipe `paper`; None if absent.
        help: One or more sentences, on one line.
    """

    key: str
    kind: str
    bounds: str
    default: Any
    paper: Any
    help: str

    def to_json(self) -> dict[str, Any]:
        """Returns the setting as JSON."""
        return dataclasses.asdict(self)

    def to_text(self) -> str:
        """Returns the setting as two lines of text."""
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


def reference(kind: type = Config) -> Iterator[Entry]:
    """Describes every key of a set of settings, section by section.

    Args:
        kind: A dataclass of sections, such as `Config` or the `Recipe` of an export. Descriptions
            are read from `Args:` in the docstring of each section.

    Example:
        >>> next(reference()).key, next(reference()).default
        ('source', 'motions')
    """
    for name, section in hints(kind).items():
        texts, types = _descriptions(section), hints(section)
        for item in dataclasses.fields(section):
            yield Entry(
                section=name,
                key=item.name,
                kind=kind_of(types[item.name]),
                bounds=bounds_in_words(types[item.name]),
                default=item.default,
                description=texts[item.name],
            )


def _descriptions(section: type) -> dict[str, str]:
    """Reads the description of each key from the docstring of its section, on one line."""
    _, _, text = (section.__doc__ or "").partition("Args:\n")
    entries = re.findall(r"^(\w+): (.*(?:\n +.*)*)", inspect.cleandoc(text), re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in entries}


def _settings() -> Iterator[Setting]:
    small, paper = load_config("small"), load_config("paper")
    for entry in reference(Config):
        yield Setting(
            key=f"{entry.section}.{entry.key}",
            kind=entry.kind,
            bounds=entry.bounds,
            default=getattr(getattr(small, entry.section), entry.key),
            paper=getattr(getattr(paper, entry.section), entry.key),
            help=entry.description.replace("`", ""),
        )


def _advice(key: str, every: list[Setting]) -> str:
    section, dot, name = key.partition(".")
    sections = list(hints(Config))
    if dot:
        return advice(Config, (section, name) if section in sections else (section,))
    names = {setting.key.partition(".")[2]: setting.key for setting in every}
    near = difflib.get_close_matches(key, [*names, *sections], n=3, cutoff=SIMILARITY)
    if near:
        return f"did you mean {' or '.join(names.get(each, each) for each in near)}?"
    return f"the sections are {', '.join(sections)}"


def _written(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value) or '""'
