"""Effects of training options on the run folder."""

import json
import tomllib
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_settings import SMALL
from video_files import moving_frames, write_video

from pan_keras import backbones
from pan_keras.backbones import registry
from pan_keras.config import load_config
from pan_keras.data import VideoData
from pan_keras.deploy.source import open_source
from pan_keras.errors import UserError
from pan_keras.runs.network import describe_network, with_network
from pan_keras.runs.run import open_run
from pan_keras.training import resolve, resume, train, trainer

SETTINGS = (
    *SMALL,
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
    """A finished run with averaged weights."""
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
    # A rate at which the weights do not change.
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


def test_initial_weights_are_used_and_reported(start, averaged, capsys):
    # At this rate only the statistics change.
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
def test_folders_are_not_mirrored_by_default(options, tmp_path):
    assert resolve(tmp_path, **options).augmentation.flip is False
    asked = resolve(tmp_path, overrides=["augmentation.flip=true"], **options)
    assert asked.augmentation.flip is True


def test_mirror_images_of_a_card_that_allows_them(tmp_path, monkeypatch):
    from pan_keras.training import configuring as module

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


OWN_CARD = """
name = "mine"
title = "My videos"
flip = {flip}
licence = "CC-BY-4.0"
[training.training]
epochs = 7
learning_rate = 9e-4
"""


@pytest.fixture
def own_card(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN_CARD.format(flip="false"))
    return path


def test_a_card_by_path_brings_its_settings_and_lies_beside_its_videos(own_card, monkeypatch):
    monkeypatch.chdir(own_card.parent)
    for source in ("own.toml", own_card, "./own.toml"):
        config = resolve(source)
        assert (config.training.epochs, config.training.learning_rate) == (7, 9e-4)
        assert config.augmentation.flip is False
        assert config.data.source == str(own_card)
        assert config.data.root == str(own_card.parent)
    assert resolve("own.toml", root=own_card.parents[1]).data.root == str(own_card.parents[1])
    assert resolve("own.toml", overrides=["training.epochs=3"]).training.epochs == 3


def test_a_card_by_path_in_a_settings_file_is_a_card(own_card, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text(f"[data]\nsource = '{own_card}'")
    assert resolve(config=file).training.epochs == 7


def test_mirror_images_that_a_card_by_path_forbids_are_refused(own_card):
    with pytest.raises(UserError, match="mine forbids mirror images"):
        resolve(own_card, overrides=["augmentation.flip=true"])
    assert resolve(own_card, config="paper").augmentation.flip is False
    own_card.write_text(OWN_CARD.format(flip="true"))
    assert resolve(own_card, overrides=["augmentation.flip=true"]).augmentation.flip is True
    assert resolve(own_card, config="paper").augmentation.flip is True


def test_a_card_by_path_that_is_absent_is_named(tmp_path):
    with pytest.raises(UserError, match=r"own\.toml: there is no such data set card"):
        resolve(tmp_path / "own.toml")


def test_a_run_keeps_its_card_if_the_file_changes(own_card, small_motions, tmp_path):
    overrides = (*SETTINGS, "model.name=pan_lite_micro")
    run = train(
        own_card, root=small_motions, run=tmp_path / "run", overrides=overrides, quiet=True
    ).run
    kept = open_run(run.path)
    own_card.write_text(OWN_CARD.format(flip="true").replace("CC-BY", "CC0"))
    assert (kept.card.licence, kept.card.flip) == ("CC-BY-4.0", False)
    own_card.unlink()
    assert open_source(run.path).card == kept.card
    assert open_source(run.path).card.licence == "CC-BY-4.0"
    (run.path / "card.toml").unlink()
    assert open_run(run.path).card is None


def test_a_run_of_an_earlier_version_finds_its_card(own_run, own_card):
    (own_run.path / "card.toml").unlink(missing_ok=True)
    assert own_run.card.name == "motions"
    text = (own_run.path / "config.toml").read_text()
    (own_run.path / "config.toml").write_text(text.replace('"motions"', f'"{own_card}"'))
    assert open_run(own_run.path).card.name == "mine"


def test_an_unknown_model_gets_a_near_name_or_none(small_motions):
    with pytest.raises(UserError, match="did you mean pan_lite_micro"):
        resolve("motions", root=small_motions, model="pan_lite_micrO")
    with pytest.raises(UserError, match=r"there is no zzz; `pan-keras models` lists them"):
        resolve("motions", root=small_motions, model="zzz")


def test_data_warnings_are_printed_even_when_quiet(tmp_path, capsys):
    for number, name in enumerate(("train/a/0", "train/b/1", "val/a/2", "val/c/3")):
        path = tmp_path / "videos" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, moving_frames(6, seed=number))
    train(tmp_path / "videos", run=tmp_path / "run", overrides=SETTINGS, quiet=True)
    assert "warning: c has no train clip" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent.keras", "neither a run folder nor"), ("other.keras", "none of its layers fits")],
)
def test_invalid_weights_are_refused_before_anything_is_written(name, message, start, tmp_path):
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="apart")])
    other.save(tmp_path / "other.keras")
    with pytest.raises(UserError, match=message):
        start(f"model.weights={tmp_path / name}")
    assert not (tmp_path / "run").exists()


def test_the_papers_recipe_trains(start, monkeypatch, capsys):
    from pan_keras.training import validation

    sampling, validate = [], validation.evaluation_dataset

    def watched(*args, **options):
        sampling.append(options["sampling"])
        return validate(*args, **options)

    monkeypatch.setattr(validation, "evaluation_dataset", watched)
    settings = ("training.batch=8", "training.accumulate=2", "model.name=pan_lite_micro")
    result = start(*settings, config="paper", quiet=False)
    config = open_run(result.run.path).config
    assert config.training.optimizer == "sgd"
    assert config.training.milestones == (0.375, 0.75)
    assert result.rows[0]["learning_rate"] == pytest.approx(0.01 / 8 / 100)
    assert sampling == ["central"]
    assert config.model.initialisation == "reference"
    assert config.model.weights == "none"
    assert "there are none of ImageNet for this micro" in capsys.readouterr().err
    kernel, _ = result.run.load_model().get_layer("persistence_of_appearance").get_weights()
    assert kernel.std() < 0.01


def test_the_papers_recipe_starts_from_imagenet_or_says_how_to_go_without(start, monkeypatch):
    import socket

    def offline(*args, **options):
        assert socket.getdefaulttimeout()
        raise Exception("URL fetch failure")

    registered = backbones.get("resnet50")
    pretrained = replace(registered.pretrained, make=offline)
    monkeypatch.setitem(registry.BACKBONES, "resnet50", replace(registered, pretrained=pretrained))
    with pytest.raises(UserError, match=r"(?s)could not download .*model\.weights=none"):
        start("training.accumulate=4", config="paper")
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize(
    ("overrides", "weights"),
    [
        (["model.name=pan_lite_resnet50"], "imagenet"),
        (["model.name=pan_full_mobilenetv2"], "imagenet"),
        (["model.name=pan_lite_mobilenetv2", "model.width=0.5"], "none"),
        (["model.name=pan_lite_resnet18"], "none"),
        (["model.name=pan_lite_resnet50", "model.weights=none"], "none"),
    ],
)
def test_the_papers_start_is_imagenet_where_there_is_one(overrides, weights):
    assert with_network(load_config("paper", overrides=overrides)).model.weights == weights
    small = [each for each in overrides if "weights" not in each]
    assert with_network(load_config("small", overrides=small)).model.weights == "none"


def test_the_configuration_of_a_run_has_all_effective_settings(start, monkeypatch):
    # It is written before the first step, which takes this network long.
    monkeypatch.setattr(trainer.Trainer, "fit", lambda self, *_: [])
    settings = ("model.name=tsn_mobilenetv2", "training.schedule=steps")
    text = (start(*settings).run.path / "config.toml").read_text()
    assert "format = 2\n" in text
    for line in ('aggregation = "average"', "shift = false", "causal = false", "width = 1.0"):
        assert f"{line}\n" in text
    for line in ("epochs = 1", 'weights = "none"', "flip = false"):
        assert f"{line}\n" in text
    assert tomllib.loads(text)["training"]["milestones"] == [0.4, 0.8]


def test_a_network_with_more_classes_is_that_of_the_run_it_starts_from(make_run):
    source = make_run("model.aggregation=vip", "model.shift=false").path
    asked = load_config(overrides=[f"model.weights={source}"])
    model = with_network(asked).model
    assert (model.aggregation, model.shift, model.causal) == ("vip", False, False)
    (note,) = describe_network(with_network(asked), asked)
    assert note == f"shift False, aggregation vip: as in {source}"
    told = load_config(overrides=[f"model.weights={source}", "model.aggregation=average"])
    assert with_network(told).model.aggregation == "average"
    other = load_config(overrides=[f"model.weights={source}", "model.name=tsm_micro"])
    assert with_network(other).model.aggregation == "average"


@pytest.mark.parametrize("wanted", [True, False])
def test_a_gpu_is_deterministic_unless_the_setting_says_otherwise(wanted, start, monkeypatch):
    asked = []
    listed = tf.config.list_physical_devices
    monkeypatch.setattr(
        tf.config,
        "list_physical_devices",
        lambda kind=None: ["a GPU"] if kind == "GPU" else listed(kind),
    )
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(True))

    def stop(_):
        raise UserError("far enough")

    monkeypatch.setattr(trainer, "clip_shape", stop)
    with pytest.raises(UserError, match="far enough"):
        start(f"training.deterministic={str(wanted).lower()}")
    assert asked == [True] * wanted
