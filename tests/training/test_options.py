"""What options of a training do to its run folder."""

import json

import keras
import numpy as np
import pytest

from pan_keras.data import VideoData
from pan_keras.errors import UserError
from pan_keras.training.config import load_config
from pan_keras.training.run import open_run
from pan_keras.training.train import resolve, resume, train

SETTINGS = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=1",
    "training.batch=4",
)


def run_training(root, run, *overrides, quiet=True, **options):
    settings = (*SETTINGS, *overrides)
    return train("motions", root=root, run=run, overrides=settings, quiet=quiet, **options)


@pytest.fixture
def start(small_motions, tmp_path):
    return lambda *overrides, **options: run_training(
        small_motions, tmp_path / "run", *overrides, **options
    )


@pytest.fixture(scope="module")
def averaged(small_motions, tmp_path_factory):
    """A finished run that averages its weights."""
    path = tmp_path_factory.mktemp("runs") / "averaged"
    overrides = ("training.average=0.9", "training.learning_rate=1e-2")
    return run_training(small_motions, path, *overrides).run


def stored(run):
    with np.load(max((run.path / "checkpoints").glob("step-*.npz"))) as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_the_average_is_what_is_saved(averaged):
    arrays = stored(averaged)
    averages = [value for name, value in arrays.items() if name.endswith(" average")]
    saved = averaged.load_model().get_weights()
    for average, weight in zip(averages, saved, strict=True):
        np.testing.assert_array_equal(average, weight)
    kernel = next(value for name, value in arrays.items() if name.endswith(" kernel"))
    assert np.abs(kernel - saved[0]).max() > 0


def test_a_model_trained_in_half_precision_is_saved_in_full(start):
    run = start("training.precision=mixed_bfloat16").run
    model = run.load_model()
    assert {layer.compute_dtype for layer in model.backbone.layers} == {"float32"}
    trained = [value for value in stored(run).values() if value.dtype == "float32"]
    for weight, value in zip(model.get_weights(), trained, strict=False):
        np.testing.assert_array_equal(weight, value)


def test_training_stops_when_validation_no_longer_improves(start):
    # A rate at which nothing moves.
    result = start("training.learning_rate=1e-30", "training.epochs=9", "training.patience=2")
    scores = [[row["val_accuracy"], -row["val_loss"]] for row in result.rows]
    best = scores.index(max(scores))
    assert len(scores) == best + 3 < 9
    again = resume(result.run.path, quiet=True)
    assert again.rows == result.rows


def test_patience_without_validation_clips_is_refused(start, monkeypatch):
    monkeypatch.setattr(VideoData, "clips", lambda self, split: self.all_clips[: split == "train"])
    with pytest.raises(UserError, match="no validation clips; set it to 0"):
        start("training.patience=2")


def test_weights_to_start_from_are_used_and_what_became_of_them_is_said(start, averaged, capsys):
    # At this rate nothing moves but the statistics.
    still = ("training.learning_rate=1e-30", "training.average=0.5")
    run = start(f"model.weights={averaged.path}", *still, quiet=False).run
    (report,) = json.loads((run.path / "initial_weights.json").read_text())["taken"]
    assert report["same_classes"]
    assert "conv1" in report["kept"]
    assert report["fresh"] == {}
    kept = len(report["kept"])
    assert f"{kept} of {kept} layers kept" in capsys.readouterr().err
    given, taken = averaged.load_model().trainable_weights, run.load_model().trainable_weights
    for weight, expected in zip(taken, given, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected.numpy())
    assert open_run(run.path).config.model.weights == str(averaged.path)


@pytest.mark.parametrize("options", [{}, {"config": "paper"}], ids=["card", "paper"])
def test_mirror_images_follow_the_card(options, small_motions):
    config = resolve("motions", root=small_motions, **options)
    assert config.augmentation.flip is False


@pytest.mark.parametrize("options", [{}, {"config": "paper"}], ids=["small", "paper"])
def test_there_are_no_mirror_images_of_a_folder_unless_asked_for(options, tmp_path):
    assert resolve(tmp_path, **options).augmentation.flip is False
    asked = resolve(tmp_path, overrides=["augmentation.flip=true"], **options)
    assert asked.augmentation.flip is True


def test_mirror_images_of_a_card_that_allows_them(tmp_path, monkeypatch):
    from pan_keras.training import train as module

    card = module.load_card("motions")
    monkeypatch.setattr(
        module, "load_card", lambda name: type(card)(name="m", title="m", flip=True)
    )
    assert resolve("motions", config="paper").augmentation.flip is True
    assert resolve("motions", config="small").augmentation.flip is False


def test_the_settings_of_a_card_are_for_its_own_recipe(small_motions):
    by_card = resolve("motions", root=small_motions)
    assert by_card.training.learning_rate == 3e-3
    assert resolve("motions", root=small_motions, config="small") == by_card
    paper = resolve("motions", root=small_motions, config="paper")
    assert paper.training == load_config("paper").training
    assert paper.model == load_config("paper").model


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent.keras", "neither a run folder nor"), ("other.keras", "none of its layers fits")],
)
def test_weights_that_cannot_be_are_refused_before_anything_is_written(
    name, message, start, tmp_path
):
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="apart")])
    other.save(tmp_path / "other.keras")
    with pytest.raises(UserError, match=message):
        start(f"model.weights={tmp_path / name}")
    assert not (tmp_path / "run").exists()


def test_the_papers_recipe_trains(start, small_motions):
    settings = ("training.batch=8", "training.accumulate=2", "model.name=pan_lite_micro")
    result = start(*settings, config="paper")
    config = open_run(result.run.path).config
    assert config.training.optimizer == "sgd"
    assert config.training.milestones == (0.375, 0.75)
    assert result.rows[0]["learning_rate"] == pytest.approx(0.01 / 8 / 100)
