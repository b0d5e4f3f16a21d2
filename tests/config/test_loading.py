"""Configurations from recipes, cards, files, overrides and keywords; hostile files are refused."""

import dataclasses
import os
import typing
from datetime import date
from typing import Literal

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from pan_keras.config import Config, load_config, make_config, read_config
from pan_keras.config.loading import recipes
from pan_keras.config.section import bounds_of
from pan_keras.config.section import hints as section_hints
from pan_keras.errors import UserError
from pan_keras.runs.model_input import preprocessing
from pan_keras.runs.run import Run, open_run

BOUNDED = settings(max_examples=50, deadline=None, derandomize=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def values(hint, bounds):
    """Returns a strategy for the values of a field."""
    parts = typing.get_args(hint)
    if type(None) in parts:
        return st.none() | values(parts[0], bounds)
    if typing.get_origin(hint) is Literal:
        return st.sampled_from(parts)
    if typing.get_origin(hint) is tuple:
        return st.just(()) if parts[-1] is Ellipsis else st.tuples(*[st.integers(1, 64)] * 2)
    if hint is float:
        return st.floats(
            bounds.get("ge", bounds.get("gt")),
            bounds.get("le", bounds.get("lt")),
            exclude_min="gt" in bounds,
            exclude_max="lt" in bounds,
        )
    if hint is int:
        # Few frames: a clip of many is refused as too large.
        return st.integers(
            bounds["ge"], bounds["le"] if bounds["le"] > 10_000 else min(bounds["le"], 64)
        )
    return st.booleans() if hint is bool else TEXT


def configurations():
    sections = {}
    for name, kind in typing.get_type_hints(Config).items():
        hints, bounded = typing.get_type_hints(kind), section_hints(kind)
        fields = {key: values(hint, bounds_of(bounded[key])) for key, hint in hints.items()}
        if name == "training":
            fields |= {"accumulate": st.just(1), "milestones": st.just(())}
        if name == "model":
            fields |= {"resizing": st.just(2)}  # version 1 supports only one fit
        sections[name] = st.builds(kind, **fields)
    return st.builds(Config, **sections)


@given(config=configurations())
@BOUNDED
def test_any_configuration_reads_back_as_itself(tmp_path_factory, config):
    file = tmp_path_factory.getbasetemp() / "config.toml"
    file.write_text(config.to_toml(), encoding="utf-8")
    assert read_config(file) == config
    assert load_config(file=file, card={"training": {"seed": 9}}) == config


def test_absent_settings_stay_absent(tmp_path):
    file = tmp_path / "config.toml"
    config = load_config("paper", overrides=["training.schedule=steps"])
    assert (config.training.epochs, config.augmentation.flip) == (None, None)
    file.write_text(config.to_toml())
    assert read_config(file) == config


def test_fields_that_can_be_absent_are_so_by_default():
    for kind in typing.get_type_hints(Config).values():
        hints = typing.get_type_hints(kind)
        for item in dataclasses.fields(kind):
            if type(None) in typing.get_args(hints[item.name]):
                assert item.default is None, item.name


def test_a_path_with_a_line_break_and_quotes(tmp_path):
    file = tmp_path / "config.toml"
    config = Config()
    named = dataclasses.replace(config.data, source='a\nb "c" \\ \t\x7f é')
    config = dataclasses.replace(config, data=named)
    file.write_text(config.to_toml(), encoding="utf-8")
    assert read_config(file).data.source == named.source


def test_a_run_of_an_earlier_version_keeps_its_settings(tmp_path):
    # As early versions wrote them: no format, no keys added later, and "" for no weights.
    file = tmp_path / "config.toml"
    file.write_text('[model]\nname = "pan_lite_resnet18"\nweights = ""\n[training]\nseed = 3\n')
    config = open_run(tmp_path).config
    assert (config.model.name, config.training.seed) == ("pan_lite_resnet18", 3)
    assert config.model.weights == "none"
    assert config.model.initialisation == "scaled"
    assert (config.model.fit, config.model.resizing) == ("crop", 1)
    assert config.augmentation.validation_sampling == "spread"


@pytest.mark.parametrize("first", ["", "format = 2\n"])
def test_a_key_that_a_run_leaves_out_has_the_default_of_its_field(tmp_path, first):
    file = tmp_path / "config.toml"
    file.write_text(f"{first}[model]\nresizing = 2\n[training]\nseed = 3\n")
    config, fields = read_config(file), Config()
    assert config == dataclasses.replace(
        fields, training=dataclasses.replace(fields.training, seed=3)
    )
    small = load_config("small")
    assert (config.model.stack, config.training.epochs) != (
        small.model.stack,
        small.training.epochs,
    )


def test_a_newer_format_is_refused(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("format = 3\n")
    with pytest.raises(UserError, match=r"config\.toml: format is 3, and this version reads 2"):
        read_config(file)


TOML = st.recursive(
    st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | TEXT
    | st.dates(date(1, 1, 1), date(9999, 12, 31)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
KEYS = [
    (name, item.name)
    for name, kind in typing.get_type_hints(Config).items()
    for item in dataclasses.fields(kind)
]


def read_or_refused(file):
    """Reads a configuration; any error must be one sentence that names the file or key."""
    try:
        return read_config(file)
    except UserError as error:
        assert str(error)
        assert len(str(error)) < 1000
        return None


@given(key=st.sampled_from(KEYS), value=TOML)
@BOUNDED
def test_any_value_of_any_key_is_accepted_or_refused_in_a_sentence(tmp_path_factory, key, value):
    file = tmp_path_factory.getbasetemp() / "config.toml"
    section, name = key
    file.write_text(tomli_w.dumps({section: {name: value}}), encoding="utf-8")
    config = read_or_refused(file)
    if config is not None:
        assert read_config(file) == config


@given(tables=st.dictionaries(st.sampled_from(["data", "model", "training", "x", ""]), TOML))
@BOUNDED
def test_any_table_is_accepted_or_refused_in_a_sentence(tmp_path_factory, tables):
    file = tmp_path_factory.getbasetemp() / "config.toml"
    file.write_text(tomli_w.dumps(tables), encoding="utf-8")
    read_or_refused(file)


@given(content=st.binary(max_size=200))
@BOUNDED
def test_any_bytes_are_accepted_or_refused_in_a_sentence(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "config.toml"
    file.write_bytes(content)
    read_or_refused(file)


HOSTILE = {
    "nan": ("[training]\nlearning_rate = nan", "training.learning_rate is nan"),
    "infinite": ("[training]\nweight_decay = inf", "training.weight_decay is inf"),
    "negative": ("[training]\nseed = -1", "training.seed is -1"),
    "huge": (f"[training]\nseed = 1{'0' * 4000}", "training.seed is 1000.*at most"),
    "huge rate": (
        f"[training]\nlearning_rate = 1{'0' * 4000}",
        "learning_rate is 1000.*above 0",
    ),
    "endless": (f"[training]\nseed = 1{'0' * 9000}", "not readable as TOML"),
    "epochs": ("[training]\nepochs = 99999999999", "training.epochs is 99999999999"),
    "workers": ("[data]\nworkers = 1000000", "data.workers is 1000000"),
    "segments": ("[model]\nsegments = 100000", "model.segments is 100000"),
    "size": ("[model]\nsize = [100000, 100000]", "model.size is"),
    "clip": ("[model]\nsize = [8000, 8000]\nsegments = 512", "model: a clip of 512 x 4 frames"),
    "width": ("[model]\nwidth = -1.0", "model.width is -1.0"),
    "date": ("[training]\nseed = 2020-01-01", "training.seed is .*a whole number"),
    "deep": (f"[training]\nseed = {'[' * 100_000}", "nested too deeply"),
    "binary": ("\x00\x01", "not readable as TOML"),
    "zero": ('[data]\nsource = "a\\u0000b"', "data.source is .*not Unicode text"),
    "large": ("#" * 2_000_000, "larger than a megabyte"),
    "aggregation": ('[model]\naggregation = "sum"', "one of vap, vip, average"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE)
def test_absurd_settings_are_refused_with_their_name(tmp_path, text, message):
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=message) as refused:
        open_run(tmp_path).config  # noqa: B018 (reading the property raises)
    assert len(str(refused.value)) < 400


def test_a_pipe_is_refused_as_a_settings_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(UserError, match=r"pipe\.toml: not a file"):
        load_config(file=tmp_path / "pipe.toml")


def test_a_path_that_is_not_unicode_is_refused():
    with pytest.raises(UserError, match=r"data\.source is .*rename the file"):
        load_config(overrides=["data.source=" + os.fsdecode(b"caf\xe9")])


@pytest.mark.parametrize("item", ["training.seed=" + "[" * 100_000, "training.seed=" + "9" * 9000])
def test_absurd_overrides_are_refused(item):
    with pytest.raises(UserError, match="must be a whole number"):
        load_config(overrides=[item])


def test_later_sources_win(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[training]\nepochs = 3\nbatch = 2\n")
    config = load_config(
        card={"training": {"epochs": 9, "batch": 9, "seed": 9}},
        file=file,
        overrides=["training.batch=4"],
    )
    assert (config.training.seed, config.training.epochs, config.training.batch) == (9, 3, 4)


def test_a_resolved_configuration_reads_back_as_itself(tmp_path):
    overrides = ["model.aggregation=vip", 'data.source=a "b" \\ c', "augmentation.flip=true"]
    overrides += ["training.schedule=steps", "training.milestones=[0.25, 0.5]"]
    config = load_config(overrides=overrides)
    file = tmp_path / "config.toml"
    file.write_text(config.to_toml())
    assert load_config(file=file) == config


@pytest.mark.parametrize("name", recipes())
def test_shipped_recipes_are_valid(name):
    assert isinstance(load_config(name), Config)


@pytest.mark.parametrize("text", ["[training", "training = 1", "[trainig]\nseed = 1", "\xff"])
def test_a_broken_file_is_named(tmp_path, text):
    file = tmp_path / "broken.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"broken\.toml"):
        load_config(file=file)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_config(file=tmp_path / "absent.toml")


def test_a_run_without_a_resizing_version_uses_version_1(tmp_path):
    text = load_config(overrides=["model.fit=letterbox"]).to_toml()
    (tmp_path / "config.toml").write_text(text)
    assert Run(tmp_path).shape.resizing == 2
    assert Run(tmp_path).shape.fit == "letterbox"
    assert preprocessing(Run(tmp_path).config)["fit"] == "letterbox"
    lines = [
        line for line in text.splitlines() if not line.startswith(("format", "resizing", "fit"))
    ]
    (tmp_path / "config.toml").write_text("\n".join(lines))
    assert Run(tmp_path).shape.resizing == 1
    assert Run(tmp_path).shape.fit == "crop"
    assert preprocessing(Run(tmp_path).config)["resizing"] == 1


def test_python_gives_sections_by_keyword():
    config = make_config("videos", training={"epochs": 20}, model={"size": (32, 48)})
    assert config.data.source == "videos"
    assert (config.training.epochs, config.model.size) == (20, (32, 48))
    assert config.training.learning_rate == load_config("small").training.learning_rate


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"trainin": {"seed": 1}}, "there is no trainin; did you mean training"),
        ({"training": {"sede": 1}}, r"no training\.sede; did you mean training\.seed"),
        ({"training": {"epochs": 0}}, "training.epochs is 0.*at least 1"),
        ({"training": 3}, "training is a section"),
    ],
)
def test_an_error_in_a_keyword_section_is_named(sections, message):
    with pytest.raises(UserError, match=message):
        make_config(**sections)


def test_a_source_given_twice_is_refused():
    assert make_config("videos", data={"workers": 1}).data.workers == 1
    with pytest.raises(UserError, match="the source is given twice"):
        make_config("videos", data={"source": "others"})
