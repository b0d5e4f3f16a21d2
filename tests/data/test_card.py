"""Data set cards, and errors that name the mistake in one."""

import dataclasses
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.data import Card, card_names, load_card
from pan_keras.errors import UserError

GOOD = {"name": '"mine"', "title": '"My videos"', "classes": '["clap", "wave"]'}


def write_card(folder, extra="", **changes):
    lines = [f"{key} = {value}" for key, value in {**GOOD, **changes}.items() if value]
    path = folder / "mine.toml"
    path.write_text("\n".join([*lines, extra]))
    return path


def test_the_shipped_cards_load():
    assert {"egogestar", "motions"} <= set(card_names())
    for name in card_names():
        card = load_card(name)
        assert card.name == name
        assert card.title
        assert card.source
        assert card.licence
        assert card.citation


def test_egogestar_is_never_mirrored_and_tested_on_recorder_b():
    card = load_card("egogestar")
    assert not card.flip
    assert card.classes == (
        *("up", "down", "left", "right", "square"),
        *("circlecc", "carret", "del", "star", "tick"),
    )
    assert list(card.split) == ["test", "val"]
    test, val = card.split.values()
    assert (test.column, test.values) == ("recorder", ("B",))
    assert all(value.startswith("A") for value in val.values)


@pytest.mark.parametrize(
    ("name", "classes", "clips", "folds", "views", "metric"),
    [
        ("something-v1", 174, {"train": 86017, "val": 11522, "test": 10960}, 0, ("1", 1), "top1"),
        ("something-v2", 174, {"train": 168913, "val": 24777, "test": 27157}, 0, ("1", 1), "top1"),
        ("jester", 27, {"all": 148092}, 0, ("1", 1), "top1"),
        ("kinetics400", 400, {"all": 300000}, 0, ("full", 2), "top1"),
        ("ucf101", 101, {"all": 13320}, 3, ("full", 2), "mean_class"),
        ("hmdb51", 51, {"all": 6766}, 3, ("full", 2), "mean_class"),
    ],
)
def test_the_paper_s_data_sets_have_its_numbers(name, classes, clips, folds, views, metric):
    card = load_card(name)
    benchmark = card.benchmark
    assert (benchmark.classes, dict(benchmark.clips), benchmark.folds) == (classes, clips, folds)
    assert ((benchmark.crops, benchmark.views), benchmark.metric) == (views, metric)
    assert len(card.classes) in (0, classes)
    assert list(card.classes) == sorted(card.classes)
    assert card.training["config"] == "paper"
    # Left and right are classes of their own.
    assert card.flip == (name in ("kinetics400", "ucf101", "hmdb51"))
    assert (benchmark.start == "kinetics400") == (folds == 3)


def test_a_benchmark_needs_a_manifest_and_has_no_rules(tmp_path):
    for extra in ("", "manifest = 'a.csv'\n[split.test]\ncolumn = 'a'\nvalues = ['b']\n"):
        card = write_card(tmp_path, f"{extra}[benchmark]\nlayout = 'ucf101'")
        with pytest.raises(UserError, match="a benchmark needs the key 'manifest' and no split"):
            load_card(card)
    card = write_card(tmp_path, "manifest = 'a.csv'\n[benchmark]\nlayout = 'ucf102'")
    with pytest.raises(UserError, match=r"benchmark.layout is 'ucf102'; it must be one of someth"):
        load_card(card)


def test_motions_are_never_mirrored():
    card = load_card("motions")
    assert not card.flip
    assert card.generator == "motions"
    assert len(card.classes) == 8


def test_a_custom_card_loads_by_path(tmp_path):
    path = write_card(
        tmp_path,
        'manifest = "list.csv"\n[split.test]\ncolumn = "person"\nvalues = ["eve"]\n'
        '[training.model]\nname = "pan_lite_micro"',
    )
    card = load_card(path)
    assert card.classes == ("clap", "wave")
    assert card.split["test"].values == ("eve",)
    assert card.training["model"]["name"] == "pan_lite_micro"


@pytest.mark.parametrize(
    ("changes", "extra", "message"),
    [
        ({"clases": '["a"]'}, "", "there is no clases; did you mean classes"),
        ({"title": None}, "", "title is missing; add it"),
        ({"classes": '"clap"'}, "", "classes is 'clap'; it must be a list of strings"),
        ({"flip": '"no"'}, "", "flip is 'no'; it must be true or false"),
        ({"licence": "7"}, "", "licence is 7; it must be a string"),
        ({"training": "7"}, "", "training is 7; it must be a table"),
        ({}, "[split.tset]", r"there is no split\.tset; did you mean split\.test"),
        ({}, "[split.test]\ncolumn = 'a'", r"split\.test\.values is missing; add it"),
        ({}, "[split]\ntest = 'a'", r"split\.test is a section; write split\.test\.KEY"),
        ({}, "[split.test]\ncolum = 'a'\nvalues = []", r"there is no split\.test\.colum; did you"),
        ({}, "[split.test]\nrow = 'a'\nvalues = []", "split.test has column, values"),
        ({"exclude": '["wave", 3]'}, "", "exclude is .* must be a list of strings"),
        (
            {},
            "[split.test]\ncolumn = 'a'\nvalues = 'b'",
            r"split\.test\.values is 'b'; it must be a list of strings",
        ),
        ({}, "[split.test]\ncolumn = 'a'\nvalues = ['b']", "needs the key 'manifest'"),
        ({"name": "mine"}, "", "not readable as TOML"),
        ({"name": '" "'}, "", "name is empty; fill it in"),
        ({"classes": '["a", " a"]'}, "", "the label 'a' is listed twice"),
        ({"exclude": '["wave"]'}, "", "the label 'wave' is listed twice"),
        ({"classes": '["a\\nb"]'}, "", "classes: the label .* contains a line break"),
        ({"classes": '["a", ""]'}, "", "classes: the label is empty"),
        ({"generator": '"films"'}, "", "generator is 'films'; it must be one of motions"),
        ({"title": "[" * 5000 + "]" * 5000}, "", "nested too deep"),
    ],
)
def test_an_error_in_a_card_is_named(changes, extra, message, tmp_path):
    path = write_card(tmp_path, extra, **changes)
    with pytest.raises(UserError, match=message) as caught:
        load_card(path)
    assert str(path) in str(caught.value)


def test_labels_and_values_are_stripped(tmp_path):
    path = write_card(
        tmp_path,
        "manifest = 'list.csv'\n[split.test]\ncolumn = 'person'\nvalues = [' eve ']",
        classes='[" clap", "wave "]',
    )
    assert load_card(path).classes == ("clap", "wave")
    assert load_card(path).split["test"].values == ("eve",)


def test_a_card_that_is_not_a_file_or_too_large_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "fifo.toml")
    (tmp_path / "folder.toml").mkdir()
    with (tmp_path / "large.toml").open("wb") as file:
        file.truncate(1 << 30)
    for name, fault in (("fifo", "not a file"), ("folder", "not a file"), ("large", "larger than")):
        with pytest.raises(UserError, match=rf"{name}\.toml: {fault}"):
            load_card(tmp_path / f"{name}.toml")


values = st.recursive(
    st.booleans() | st.integers() | st.sampled_from(["wave", " wave", "", "a\nb", "list.csv"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["column", "values", "test", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.sampled_from([*(item.name for item in dataclasses.fields(Card)), "clases"])


def as_toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + "}"
    return (
        json.dumps(value) if not isinstance(value, list) else f"[{', '.join(map(as_toml, value))}]"
    )


@given(st.dictionaries(keys, values, max_size=5) | st.binary(max_size=60))
def test_any_file_is_read_as_a_card_or_refused_in_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    if isinstance(content, dict):
        table = {"name": "x", "title": "X", **content}
        content = "\n".join(f"{key} = {as_toml(value)}" for key, value in table.items()).encode()
    path.write_bytes(content)
    try:
        card = load_card(path)
    except UserError as error:
        assert str(path) in str(error)
        assert len(str(error)) < 500
        return
    assert card.name
    assert len(set(card.classes)) == len(card.classes)
    assert all(label.splitlines() == [label.strip()] for label in card.classes)
    assert all(isinstance(rule.values, tuple) for rule in card.split.values())


def test_an_unknown_card_names_the_nearest():
    with pytest.raises(UserError, match="did you mean 'egogestar'"):
        load_card("egogester")


def test_clips_of_a_card_are_listed_without_tensorflow():
    code = (
        "import sys, pan_keras.data;"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
