"""`import pan_keras as pan`: cheap to import, and usable from videos to a bundle."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import pan_keras as pan
from pan_keras import api
from pan_keras.errors import UserError

ROOT = Path(__file__).parent.parent
SMALL = {"name": "tsn_micro", "segments": 2, "stack": 1, "size": 24, "resize": 28}
HEAVY = {"tensorflow", "keras", "numpy", "av", "cv2", "click", "rich", "pydantic"}


@pytest.fixture(scope="module")
def trained(small_motions, tmp_path_factory):
    """A run trained with sections given as keywords."""
    return pan.train(
        "motions",
        root=small_motions,
        model=SMALL,
        training={"epochs": 1, "batch": 8},
        augmentation={"brightness": 0.1},
        run=tmp_path_factory.mktemp("runs") / "run",
        quiet=True,
    )


def test_importing_the_package_imports_nothing_heavy():
    program = "import sys, pan_keras as pan; dir(pan); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not {name.partition(".")[0] for name in done.stdout.split()} & HEAVY


@pytest.mark.parametrize("name", pan.__all__)
def test_every_public_name_exists_and_is_listed(name):
    assert getattr(pan, name) is not None
    assert name in dir(pan)


@pytest.mark.parametrize("package", ["runs", "training", "evaluation", "inference"])
def test_every_exported_name_of_a_package_exists(package):
    module = getattr(pan, package)
    for name in module.__all__:
        assert getattr(module, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    for module in (pan, pan.training):
        with pytest.raises(AttributeError, match="attribute fit"):
            _ = module.fit


def test_sections_by_keyword_are_the_settings_of_the_run(trained):
    config = trained.config
    assert config.model.name == "tsn_micro"
    assert config.model.size == (24, 24)
    assert (config.training.epochs, config.training.batch) == (1, 8)
    assert config.augmentation.brightness == 0.1
    # Settings that are not given come from the card.
    assert config.training.learning_rate == 3e-3


def test_a_configuration_is_complete_and_trains_alike(trained, tmp_path):
    again = pan.train(config=trained.config, run=tmp_path / "run", quiet=True)
    assert again.config == trained.config
    for one, other in zip(
        again.load_model().get_weights(), trained.load_model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_sections_override_a_configuration(trained, small_motions):
    resolved = pan.training.resolve(
        config=trained.config, sections={"training": {"epochs": 7}}, model="pan_lite_micro"
    )
    assert resolved.training.epochs == 7
    assert resolved.training.batch == 8
    assert resolved.model.name == "pan_lite_micro"
    assert resolved.data == trained.config.data


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"training": {"epoch": 3}}, "training.epochs"),
        ({"training": {"epochs": 0}}, "training.epochs"),
        ({"model": "tsn_micr"}, "did you mean tsn_micro"),
        ({"data": {"root": "there"}, "root": "here"}, "root is given twice"),
        ({"callbacks": [keras.callbacks.EarlyStopping]}, "give instances"),
    ],
)
def test_a_user_error_is_raised_before_anything_is_written(
    arguments, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        pan.train("motions", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_run_has_an_informative_repr(trained):
    row = trained.metrics()[0]
    assert repr(trained) == (
        f"Run({str(trained.path)!r}: tsn_micro on motions, 8 classes, epochs: 1, "
        f"validation accuracy {row['val_accuracy']:.3f})"
    )
    assert repr(pan.Run(Path("nowhere"))) == "Run('nowhere')"


def test_tensorboard_gets_pictures(trained):
    (events,) = (trained.path / "tensorboard").glob("events*")
    assert b"confusion" in events.read_bytes()


def test_a_finished_run_resumes_to_itself_and_takes_callbacks(trained):
    resumed = pan.resume(trained, callbacks=[keras.callbacks.History()], quiet=True)
    assert resumed.path == trained.path


def test_a_run_is_evaluated_and_the_result_prints_well(trained):
    found = pan.evaluate(trained, progress=False)
    assert 0 <= found.top1 <= 1
    assert repr(found).startswith(f"Evaluation({trained.path}: top-1 ")
    assert "mean class" in str(found)
    both = pan.evaluate([trained, str(trained.path)], progress=False)
    assert both.top1 == found.top1
    assert len(both.runs) == 2


def test_run_model_and_bundle_are_predicted_with(trained, bundle, small_motions):
    videos = sorted(small_motions.rglob("*.mp4"))[:2]
    by_run = pan.predict(trained, videos, top=3)
    assert [each.path for each in by_run] == videos
    assert [len(each.predictions) for each in by_run] == [3, 3]
    by_model = pan.predict(pan.load(trained), videos[0])
    assert len(by_model) == 1
    # A model does not store class names.
    assert {label for label, _ in by_model[0].predictions} <= set("01234567")
    for source in (bundle, pan.bundle.Bundle.open(bundle)):
        assert pan.predict(source, videos[0], top=1)[0].error is None


def test_models_are_loaded_by_run_folder_or_file(trained, bundle, tmp_path):
    model = pan.load(trained.path / "model.keras")
    for other in (pan.load(trained), pan.load(str(trained.path)), pan.load(trained, "last")):
        for one, weight in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(one, weight)
    with pytest.raises(UserError, match="a bundle, which has no Keras model"):
        pan.load(bundle)
    with pytest.raises(UserError, match="missing"):
        pan.load(tmp_path / "absent.keras")


def test_export_is_that_of_the_recipe_with_its_settings(trained, monkeypatch, capsys):
    asked = {}

    def export(model, recipe, calibration, *, tell, **options):
        asked.update(model=model, recipe=recipe, calibration=calibration, **options)
        if tell:
            tell("reading clips")

    monkeypatch.setattr(api, "export_model", export)
    settings = {"export": {"streaming": True}}
    pan.export(trained, "micro", output="there", settings=settings)
    assert asked == {
        "model": trained.path,
        "recipe": "micro",
        "calibration": None,
        "output": "there",
        "labels": None,
        "overrides": settings,
    }
    assert capsys.readouterr().err == "reading clips\n"
    pan.export(trained, quiet=True)
    assert capsys.readouterr().err == ""
