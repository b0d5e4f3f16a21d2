"""A recipe is typed, and its errors say what is wrong."""

import dataclasses
from types import SimpleNamespace

import pytest

from pan_keras.cli.export import sections
from pan_keras.config.reference import reference
from pan_keras.config.section import hints
from pan_keras.config.tables import to_toml
from pan_keras.deploy import load_recipe
from pan_keras.deploy.exporter import recipe_of
from pan_keras.deploy.recipe import Limits, Recipe, recipes
from pan_keras.errors import UserError

NO_FLAGS = {
    "tflite": False,
    "onnx": False,
    "precision": None,
    "evaluate": None,
    "root": None,
    "streaming": False,
}


@pytest.mark.parametrize("name", recipes())
def test_shipped_recipes_are_valid(name):
    recipe = load_recipe(name)
    assert recipe.export.formats == ("tflite",)
    assert recipe.export.precisions == ("float32", "int8")
    assert recipe.int8.drop == 1.0
    assert recipe.check.clips >= 32
    assert recipe.calibration.clips >= 100


def test_deep_networks_have_a_recipe_of_their_own():
    def source(name):
        return SimpleNamespace(run=None, model=SimpleNamespace(name=name))

    assert recipe_of(source("pan_lite_resnet50")) == "resnet50"
    assert load_recipe("resnet50").float32.difference == 1e-3
    assert recipe_of(source("pan_lite_micro")) == "default"
    assert load_recipe().float32.difference == 1e-4


def test_flags_override_a_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[export]\nprecisions = ["float16"]\nstreaming = true\n[int8]\ndrop = 3\n')
    recipe = load_recipe(file, sections(**{**NO_FLAGS, "onnx": True, "precision": "int8, dynamic"}))
    assert recipe.export.formats == ("onnx",)
    assert recipe.export.precisions == ("int8", "dynamic")
    assert recipe.export.streaming
    assert recipe.int8.drop == 3.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[exprot]\n", "there is no exprot; did you mean export"),
        ("[export]\nprecision = 1\n", "did you mean export.precisions"),
        ('[export]\nprecisions = ["int4"]\n', "must be a list of float32, float16, dynamic, int8"),
        ("[export]\nprecisions = []\n", "name at least one"),
        ('[export]\nformats = ["onnx", "onnx"]\n', "each once"),
        ("[check]\nclips = 31\n", "check.clips is 31; it must be a whole number, at least 32"),
        ("[calibration]\nclips = 0\n", "must be a whole number, at least 1"),
        ("[calibration]\nseed = -1\n", "must be a whole number, at least 0"),
        ("[check]\nthreads = 0\n", "must be a whole number, at least 1"),
        ("[dynamic]\ndrop = nan\n", "dynamic.drop is nan; it must be a number, at least 0"),
        ("[int8]\ncosine = 2\n", "at least -1 and at most 1"),
        ("[float32]\ndifference = -0.1\n", "at least 0"),
        ('[int8]\ndrop = "much"\n', "must be a number"),
        ("int8", "not readable as TOML"),
    ],
)
def test_user_errors_are_named(tmp_path, text, message):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        load_recipe(file)


def test_an_unknown_recipe_lists_the_available_ones():
    with pytest.raises(UserError, match="the recipes are default, resnet101, resnet50"):
        load_recipe("fast")


def test_a_section_made_in_python_is_checked_as_well():
    with pytest.raises(UserError, match="Limits: drop is -1; it must be a number, at least 0"):
        Limits(drop=-1)
    assert dataclasses.replace(Limits(), drop=1) == Limits(drop=1.0)


def test_a_recipe_reads_back_as_itself(tmp_path):
    recipe = load_recipe("resnet50", {"export": {"formats": ["onnx"], "streaming": True}})
    (tmp_path / "recipe.toml").write_text(to_toml(recipe))
    assert load_recipe(tmp_path / "recipe.toml") == recipe


def test_every_key_is_described_with_the_values_it_takes():
    entries = {f"{each.section}.{each.key}": each for each in reference(Recipe)}
    assert len(entries) == sum(len(dataclasses.fields(each)) for each in hints(Recipe).values())
    assert entries["check.clips"].bounds == "at least 32"
    assert entries["int8.cosine"].description == "Least cosine between the logits of a clip."
    assert entries["export.formats"].kind.startswith("a list of tflite, onnx")
    assert all(each.description.endswith(".") for each in entries.values())
