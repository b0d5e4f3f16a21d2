"""Every setting is listed with default, bounds and meaning; an unknown name gets suggestions."""

import dataclasses
import typing

import pytest

from pan_keras.config import Config, load_config
from pan_keras.config.config import AugmentationConfig
from pan_keras.config.reference import reference, settings
from pan_keras.errors import UserError


def test_every_key_is_listed_with_its_meaning():
    kinds = typing.get_type_hints(Config)
    keys = [f"{name}.{item.name}" for name in kinds for item in dataclasses.fields(kinds[name])]
    listed = settings()
    assert [setting.key for setting in listed] == keys
    for setting in listed:
        assert setting.help.endswith("."), setting.key
        assert len(setting.help.splitlines()) == 1
        assert setting.kind


def test_numbers_have_bounds():
    for setting in settings():
        numeric = "number" in setting.kind
        assert bool(setting.bounds) == numeric, setting.key


def test_a_setting_shows_its_default_and_that_of_the_paper():
    (setting,) = settings("training.learning_rate")
    assert (setting.default, setting.paper) == (2e-3, 0.01)
    assert setting.to_text().startswith("training.learning_rate = 0.002 (paper: 0.01)\n")
    assert "[a number, above 0 and at most 1000000.0]" in setting.to_text()
    assert setting.to_json()["key"] == "training.learning_rate"


def test_a_section_or_the_name_alone_is_enough():
    sections = {setting.key.partition(".")[0] for setting in settings("augmentation")}
    assert sections == {"augmentation"}
    assert len(settings("augmentation")) == len(dataclasses.fields(AugmentationConfig))
    assert [setting.key for setting in settings("epochs")] == ["training.epochs"]
    assert settings("training.epochs") == settings("epochs")


WRONG = [
    ("training.epoch", "did you mean training.epochs"),
    ("training.foo", "training has seed, epochs, batch"),
    ("model.epochs", "did you mean training.epochs"),
    ("trainig.seed", "did you mean training"),
    ("xyz.seed", "the sections are data, model, augmentation, training"),
    ("epoch", "did you mean training.epochs"),
    ("qqq", "the sections are data, model"),
]


@pytest.mark.parametrize(("key", "answer"), WRONG)
def test_an_unknown_key_gets_suggestions_or_the_list(key, answer):
    with pytest.raises(UserError, match=answer):
        settings(key)


@pytest.mark.parametrize(("key", "answer"), [each for each in WRONG if "." in each[0]])
def test_a_configuration_gives_the_same_suggestions(key, answer):
    with pytest.raises(UserError, match=f"there is no .*{answer}"):
        load_config(overrides=[f"{key}=1"])


def test_the_reference_has_the_defaults_of_the_fields():
    entries = {(each.section, each.key): each for each in reference()}
    assert len(entries) == len(settings())
    stack = entries["model", "stack"]
    assert (stack.default, stack.kind) == (Config().model.stack, "a whole number")
    assert stack.bounds == "at least 1 and at most 1024"
    assert stack.description == "Adjacent frames per segment, m."
    for (section, key), each in entries.items():
        assert each.default == getattr(getattr(Config(), section), key)
