"""A section validates its values from any source and describes what it accepts."""

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, StrictBool, StrictFloat, StrictInt

from pan_keras.config.section import (
    Kind,
    Text,
    bounds_in_words,
    bounds_of,
    kind_of,
    section,
    shown,
    wanted,
)
from pan_keras.config.tables import assemble
from pan_keras.errors import UserError


@section
@dataclass(frozen=True)
class Rule:
    """Which rows."""

    column: Text
    values: tuple[Text, ...] = ()


@section
@dataclass(frozen=True)
class Loader:
    """How clips are loaded."""

    workers: Annotated[StrictInt, Field(ge=1, le=8)] = 2
    share: Annotated[StrictFloat, Field(ge=0, lt=1)] = 0.5
    marks: tuple[Annotated[StrictFloat, Field(gt=0)], ...] = ()
    rate: StrictFloat | None = None
    flip: StrictBool = False
    cache: Literal["none", "disk"] = "none"
    name: Text = ""
    rules: Mapping[Literal["val", "test"], Rule] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@section
@dataclass(frozen=True)
class Both:
    """Two sections."""

    loader: Loader = field(default_factory=Loader)
    rule: Rule = field(default_factory=lambda: Rule(column="a"))


WRONG = [
    ({"workers": 0}, "workers is 0; it must be a whole number, at least 1 and at most 8"),
    ({"workers": 9}, "workers is 9; it must be a whole number, at least 1 and at most 8"),
    ({"workers": 2.0}, "workers is 2.0; it must be a whole number, at least 1 and at most 8"),
    ({"workers": True}, "workers is True; it must be a whole number, at least 1 and at most 8"),
    ({"workers": "2"}, "workers is '2'; it must be a whole number, at least 1 and at most 8"),
    ({"share": 1}, "share is 1; it must be a number, in [0, 1)"),
    ({"share": float("nan")}, "share is nan; it must be a number, in [0, 1)"),
    ({"share": False}, "share is False; it must be a number, in [0, 1)"),
    ({"marks": [1, 0]}, "marks is [1, 0]; it must be a list of numbers, above 0"),
    ({"marks": 1}, "marks is 1; it must be a list of numbers, above 0"),
    ({"rate": "fast"}, "rate is 'fast'; it must be a number"),
    ({"flip": 1}, "flip is 1; it must be true or false"),
    ({"cache": "ram"}, "cache is 'ram'; it must be one of none, disk"),
    ({"name": 3}, "name is 3; it must be a string"),
    ({"name": b"a"}, "name is b'a'; it must be a string"),
    ({"name": "a\0"}, "name is 'a\\x00', which is not Unicode text; rename the file or folder"),
    ({"name": "\ud800"}, "name is '\\ud800', which is not Unicode text; rename the file or folder"),
    ({"more": 3}, "more is 3; it must be a table"),
    ({"wokers": 2}, "there is no wokers; did you mean workers?"),
    ({"rules": {"tset": {}}}, "there is no rules.tset; did you mean rules.test?"),
    ({"rules": {"test": {}}}, "rules.test.column is missing; add it"),
    (
        {"rules": {"test": {"colum": "a"}}},
        "there is no rules.test.colum; did you mean rules.test.column?",
    ),
    ({"rules": {"test": {"x": "a"}}}, "there is no rules.test.x; rules.test has column, values"),
    ({"rules": {"test": 3}}, "rules.test is a section; write rules.test.KEY = VALUE"),
]


@pytest.mark.parametrize(("values", "sentence"), WRONG)
def test_a_constructor_refuses_in_a_sentence(values, sentence):
    with pytest.raises(UserError) as refused:
        Loader(**values)
    assert str(refused.value) == f"Loader: {sentence}"


@pytest.mark.parametrize(("values", "sentence"), WRONG)
def test_a_table_is_refused_in_the_same_sentence(values, sentence):
    with pytest.raises(UserError) as refused:
        assemble(Loader, [("a.toml", values)])
    assert str(refused.value) == f"a.toml: {sentence}"


def test_values_are_converted_to_the_types_of_their_fields():
    loader = Loader(marks=[1, 2], share=0, rules={"test": {"column": "a", "values": ["b"]}})
    assert loader.marks == (1.0, 2.0)
    assert isinstance(loader.share, float)
    assert loader.rules == {"test": Rule(column="a", values=("b",))}


def test_a_changed_copy_is_checked():
    loader = dataclasses.replace(Loader(), workers=3)
    assert (loader.workers, loader.share) == (3, 0.5)
    with pytest.raises(UserError, match="Loader: workers is 0"):
        dataclasses.replace(loader, workers=0)


def test_a_section_is_an_ordinary_dataclass():
    both = Both(loader=Loader(workers=4))
    assert pickle.loads(pickle.dumps(both)) == copy.deepcopy(both) == both
    assert Loader.__doc__ == "How clips are loaded."
    assert [item.name for item in dataclasses.fields(Rule)] == ["column", "values"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        both.loader.workers = 5
    with pytest.raises(TypeError, match="positional"):
        Rule("a")


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"lodaer": {}}, "there is no lodaer; did you mean loader?"),
        ({"column": "a"}, "there is no column; did you mean rule.column?"),
        (
            {"loader": {"mare": 1}},
            "there is no loader.mare; did you mean loader.more or loader.share or loader.marks?",
        ),
        ({"zzz": {}}, "there is no zzz; the sections are loader, rule"),
        ({"loader": {"column": "a"}}, "there is no loader.column; did you mean rule.column?"),
        ({"rule": {"column": "a", "zzz": 1}}, "there is no rule.zzz; rule has column, values"),
        ({"loader": 3}, "loader is a section; write loader.KEY = VALUE"),
        ({"loader": {3: 4}}, "loader is {3: 4}; it must be a table"),
    ],
)
def test_suggestions_come_from_every_section(tables, sentence):
    with pytest.raises(UserError) as refused:
        assemble(Both, [("a.toml", tables)])
    assert str(refused.value) == f"a.toml: {sentence}"


def test_accepted_values_of_a_field_are_described_in_words():
    share = Annotated[float, Field(ge=0, le=1)]
    assert wanted(share) == "a number, in [0, 1]"
    assert wanted(tuple[share, ...] | None) == "a list of numbers, in [0, 1]"
    assert kind_of(tuple[Literal["a", "b"], ...]) == "a list, each one of a, b"
    assert kind_of(Annotated[tuple[int, int], Kind("a pair")]) == "a pair"
    assert bounds_of(Annotated[int, Field(gt=1, le=3)]) == {"gt": 1, "le": 3}
    assert bounds_in_words(Annotated[int, Field(gt=1, lt=3)]) == "above 1 and below 3"
    assert bounds_in_words(int) == ""


def test_long_values_are_shortened_in_messages():
    assert shown("a" * 78) == "'" + "a" * 78 + "'"
    assert shown("a" * 79) == "'" + "a" * 79 + "..."
    assert shown(10**5000) == "a value of type int"
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "a value of type list"
