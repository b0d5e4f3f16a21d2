"""Saved models come back, and their parts serve in other models."""

import keras
import numpy as np
import pytest

from pan_keras import models


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    create = {"classes": 3, "segments": 4, "stack": 3, "size": 32}
    models.create("pan_lite_micro", **create).save(folder / "model.keras")
    return folder


def test_a_run_folder_and_its_file_give_the_same(run):
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 3, 32, 32, 3), dtype="uint8")
    by_folder, by_file = models.load(run), models.load(str(run / "model.keras"))
    np.testing.assert_array_equal(
        by_folder.predict_on_batch(clips), by_file.predict_on_batch(clips)
    )


def test_the_backbone_serves_in_a_model_of_ones_own(run):
    loaded = models.load(run)
    maps = keras.Input((48, 40, 5))
    scores = keras.layers.Dense(2)(loaded.backbone(maps))
    model = keras.Model(maps, scores)
    kernel = loaded.backbone.get_layer("conv1").kernel
    assert any(weight is kernel for weight in model.trainable_weights)
    # Whole clips of the 4 segments over which the backbone shifts.
    assert model.predict_on_batch(np.zeros((8, 48, 40, 5), "float32")).shape == (8, 2)


def test_an_absent_model_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="a folder that train finished"):
        models.load(tmp_path)


def test_a_damaged_model_is_one_sentence(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"PK not a model")
    with pytest.raises(ValueError, match="damaged"):
        models.load(tmp_path)
