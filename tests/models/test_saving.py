"""What is written is what Keras itself writes, and nothing is left beside it."""

import json
import zipfile

import keras
import numpy as np
import pytest

from pan_keras import models


@pytest.fixture(scope="module")
def model():
    return models.create("pan_full_micro", classes=3, segments=4, stack=3, size=32)


def test_the_file_is_the_one_of_keras(model, tmp_path):
    model.save(tmp_path / "keras.keras")
    models.save(model, tmp_path / "ours.keras")
    with (
        zipfile.ZipFile(tmp_path / "keras.keras") as theirs,
        zipfile.ZipFile(tmp_path / "ours.keras") as ours,
    ):
        assert sorted(ours.namelist()) == sorted(theirs.namelist())
        assert json.loads(ours.read("config.json")) == json.loads(theirs.read("config.json"))


def test_every_weight_comes_back(model, tmp_path):
    models.save(model, tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for weight, written in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, written)


def test_nothing_is_left_beside_the_file(model, tmp_path):
    models.save(model, tmp_path / "model.keras")
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


def test_nothing_is_left_of_a_failure(model, tmp_path):
    (tmp_path / "model.keras").mkdir()
    with pytest.raises(IsADirectoryError):
        models.save(model, tmp_path / "model.keras")
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]
