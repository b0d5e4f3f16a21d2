"""Tables from several sources become sections; sections become TOML that reads back."""

import os
import tomllib
from dataclasses import dataclass, field
from typing import Annotated

import pytest
from pydantic import Field, StrictInt

from pan_keras.config.section import Text, section
from pan_keras.config.tables import assemble, override, read_toml, to_tables, to_toml
from pan_keras.errors import UserError


@section
@dataclass(frozen=True)
class Size:
    """A size."""

    height: Annotated[StrictInt, Field(ge=1)] = 1
    width: Annotated[StrictInt, Field(ge=1)] = 1
    unit: Text | None = None

    def __post_init__(self) -> None:
        if self.height > self.width:
            raise UserError(f"size.height is {self.height}, above size.width; lower it")


@section
@dataclass(frozen=True)
class Page:
    """A page."""

    size: Size = field(default_factory=Size)
    marks: tuple[StrictInt, ...] = ()


def test_the_later_value_wins_key_by_key():
    layers = [("a", {"size": {"height": 2, "width": 3}}), ("b", {"size": {"width": 4}}), ("c", {})]
    assert assemble(Page, layers) == Page(size=Size(height=2, width=4))


def test_an_error_names_the_source_of_the_value():
    good = ("a.toml", {"size": {"height": 2, "width": 3}})
    for layers, where in [
        ([good, ("b.toml", {"size": {"width": 0}})], "b.toml"),
        ([("b.toml", {"size": {"height": 0}}), ("a.toml", {"size": {"width": 3}})], "b.toml"),
        ([good, ("b.toml", {"size": {"hight": 1}})], "b.toml"),
        ([good, ("b.toml", {"szie": {}})], "b.toml"),
        ([good, ("b.toml", {"marks": [True]})], "b.toml"),
        ([("b.toml", {"size": 3}), good], "b.toml"),
        ([good, ("b.toml", {"size": 3})], "b.toml"),
    ]:
        with pytest.raises(UserError) as refused:
            assemble(Page, layers)
        assert str(refused.value).startswith(f"{where}: ")


def test_an_error_between_values_names_a_file_only_if_all_are_from_it():
    high = {"size": {"height": 3}}
    with pytest.raises(UserError, match=r"^a\.toml: size\.height is 3, above"):
        assemble(Page, [("", {"marks": [1]}), ("a.toml", high), ("b.toml", {})])
    with pytest.raises(UserError, match=r"^size\.height is 3, above"):
        assemble(Page, [("a.toml", high), ("b.toml", {"marks": [1]})])


def test_sections_become_toml_without_absent_values():
    page = Page(size=Size(height=2, width=3), marks=(1, 2))
    assert to_tables(page) == {"size": {"height": 2, "width": 3}, "marks": (1, 2)}
    text = to_toml(page, format=7)
    assert text.startswith("format = 7\n")
    tables = tomllib.loads(text)
    assert tables.pop("format") == 7
    assert assemble(Page, [("a.toml", tables)]) == page


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("size.width=4", 4),
        (" size.width = 4", 4),
        ("size.width=[1, 2]", [1, 2]),
        ("size.width=true", True),
        ("size.width=word", "word"),
        ('size.width="4"', "4"),
        ("size.width=", ""),
        ("size.width=a=b", "a=b"),
        ("size.width=[a]", "[a]"),
    ],
)
def test_an_override_is_toml_or_a_bare_word(item, value):
    assert override(item) == {"size": {"width": value}}


@pytest.mark.parametrize("item", ["size", "size.width", "width=3", "size.=3", "=3"])
def test_an_override_of_another_form_is_refused(item):
    with pytest.raises(UserError, match=r"write section\.key=value"):
        override(item)


def test_a_file_is_read_with_and_without_a_byte_order_mark(tmp_path):
    file = tmp_path / "a.toml"
    for mark in (b"", b"\xef\xbb\xbf"):
        file.write_bytes(mark + b"a = 1\n")
        assert read_toml(file) == {"a": 1}


def test_a_file_that_is_not_toml_is_refused_by_name(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"#" * 1_000_001)
    (tmp_path / "limit").write_bytes(b"#" * 1_000_000)
    (tmp_path / "broken").write_bytes(b"a = \xff")
    (tmp_path / "deep").write_text("a = " + "[" * 100_000)
    assert read_toml(tmp_path / "limit") == {}
    for name, fault in {
        "pipe": "not a file; give this",
        "folder": "not a file; give this",
        "absent": "no such file; give this",
        "large": "larger than a megabyte",
        "broken": "not readable as TOML",
        "deep": "nested too deeply",
    }.items():
        with pytest.raises(UserError, match=f"{name}: {fault}"):
            read_toml(tmp_path / name, "this")
