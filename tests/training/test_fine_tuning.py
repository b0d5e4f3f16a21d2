"""A network starts from another where layers fit, and says what became of the rest."""

import keras
import numpy as np
import pytest

from pan_keras.errors import UserError
from pan_keras.models import create
from pan_keras.training.fine_tuning import start_from
from pan_keras.training.run import open_run
from pan_keras.training.weighted_layers import weighted_layers


def network(name="pan_lite_micro", classes=8, **options):
    return create(name, **{"classes": classes, "segments": 4, "stack": 2, "size": 32, **options})


def weights(model):
    return {name: layer.get_weights() for name, layer in weighted_layers(model)}


def same(one, other):
    return all(np.array_equal(mine, its) for mine, its in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A network whose every weight is its own."""
    keras.utils.set_random_seed(1)
    model = network()
    model.set_weights([keras.random.normal(weight.shape) for weight in model.weights])
    path = tmp_path_factory.mktemp("weights") / "given.keras"
    model.save(path)
    return path


def test_the_same_network_keeps_everything(file):
    model = network()
    report = start_from(model, file)
    given = weights(keras.saving.load_model(file))
    assert all(same(value, given[name]) for name, value in weights(model).items())
    assert set(report.kept) == set(given)
    assert report.same_classes
    assert report.fresh == {}
    assert report.dropped == ()


def test_other_classes_start_with_a_fresh_head(file):
    model = network(classes=5)
    before = weights(model)
    report = start_from(model, file)
    given, after = weights(keras.saving.load_model(file)), weights(model)
    assert report.fresh == {"vap": "other classes", "logits": "other classes"}
    assert all(same(after[name], before[name]) for name in ("vap", "logits"))
    assert all(same(after[name], given[name]) for name in report.kept)
    assert len(report.kept) == len(after) - 2
    text = report.to_text()
    assert f"{len(report.kept)} of {len(after)} layers kept" in text
    assert "fresh: logits (other classes)" in text


def test_layers_of_other_shapes_start_fresh_and_absent_ones_are_dropped(file):
    report = start_from(network("tsm_micro"), file)
    assert set(report.fresh) == {"conv1"}
    assert "(5, 5, 3, 16)" in report.fresh["conv1"]
    assert set(report.dropped) == {"persistence_of_appearance", "vap"}
    assert "dropped: vap" in report.to_text()


def test_a_shift_that_is_new_changes_no_name(tmp_path):
    network("tsn_micro").save(tmp_path / "still.keras")
    report = start_from(network("tsm_micro"), tmp_path / "still.keras")
    assert report.fresh == {}


def test_a_run_gives_its_best_model_and_the_names_of_its_classes(run):
    options = {"segments": 4, "stack": 2, "size": (24, 32)}
    report = start_from(network(**options), run.path, open_run(run.path).labels)
    assert report.fresh == {}
    renamed = [f"other {label}" for label in run.labels]
    assert "logits" in start_from(network(**options), run.path, renamed).fresh


def test_a_network_that_fits_nowhere_is_refused(file):
    with pytest.raises(UserError, match="none of its layers fits"):
        start_from(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), file)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"broken\.keras: damaged"):
        start_from(network(), tmp_path / "broken.keras")
