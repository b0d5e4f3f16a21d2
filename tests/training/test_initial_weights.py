"""Initial weights: layers that fit are loaded, and the others are reported."""

import keras
import numpy as np
import pytest

from pan_keras.errors import UserError
from pan_keras.models import create, weighted_layers
from pan_keras.runs.run import open_run
from pan_keras.training.initial_weights import start_from


def network(name="pan_lite_micro", classes=8, **options):
    return create(name, **{"classes": classes, "segments": 4, "stack": 2, "size": 32, **options})


def weights(model):
    return {name: layer.get_weights() for name, layer in weighted_layers(model)}


def same(one, other):
    return all(np.array_equal(mine, its) for mine, its in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A network in which all weights differ from their initial values."""
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


def test_other_classes_without_names_start_with_a_fresh_classifier(file):
    model = network(classes=5)
    before = weights(model)
    report = start_from(model, file)
    given, after = weights(keras.saving.load_model(file)), weights(model)
    assert report.fresh == {"logits": "other classes"}
    assert same(after["logits"], before["logits"])
    assert all(same(after[name], given[name]) for name in report.kept)
    assert len(report.kept) == len(after) - 1
    text = report.to_text()
    assert f"{len(report.kept)} of {len(after)} layers kept" in text
    assert "fresh: logits (other classes)" in text


def test_layers_of_other_shapes_start_fresh_and_absent_ones_are_dropped(file):
    report = start_from(network("tsm_micro"), file)
    assert set(report.fresh) == {"conv1"}
    assert "(5, 5, 3, 16)" in report.fresh["conv1"]
    assert set(report.dropped) == {"persistence_of_appearance", "vap"}
    assert "dropped: vap" in report.to_text()


def test_adding_a_shift_keeps_layer_names(tmp_path):
    network("tsn_micro").save(tmp_path / "still.keras")
    report = start_from(network("tsm_micro"), tmp_path / "still.keras")
    assert report.fresh == {}


def test_a_run_gives_its_best_model_and_the_names_of_its_classes(run):
    options = {"segments": 4, "stack": 2, "size": (24, 32)}
    report = start_from(network(**options), run.path, open_run(run.path).labels)
    assert report.fresh == {}
    renamed = [f"other {label}" for label in run.labels]
    assert "logits" in start_from(network(**options), run.path, renamed).fresh


def rows(model):
    """Classifier row of each class: weights and bias."""
    kernel, bias = model.get_layer("logits").get_weights()
    return [np.append(column, offset) for column, offset in zip(kernel.T, bias, strict=True)]


@pytest.mark.parametrize("beside", [False, True], ids=["run", "file"])
def test_classes_of_the_same_name_keep_their_rows_wherever_they_stand(run, beside):
    labels = list(open_run(run.path).labels)
    classes = ["wave", labels[5], labels[0], "another", labels[2]]
    model = network(classes=5, segments=4, stack=2, size=(24, 32))
    before = rows(model)
    source = run.path / "model.keras" if beside else run.path
    report = start_from(model, source, classes)
    given, after = rows(run.load_model()), rows(model)
    for place, label in ((1, 5), (2, 0), (4, 2)):
        np.testing.assert_array_equal(after[place], given[label])
    for place in (0, 3):
        np.testing.assert_array_equal(after[place], before[place])
    assert report.fresh == {}
    assert report.kept_classes == (labels[5], labels[0], labels[2])
    assert report.fresh_classes == ("wave", "another")
    assert report.to_json()["kept_classes"] == [labels[5], labels[0], labels[2]]
    assert f"classifier: kept {labels[5]}, {labels[0]}, {labels[2]}" in report.to_text()
    assert "classifier: fresh wave, another" in report.to_text()
    assert "vap" in report.kept


def test_the_same_classes_in_another_order_are_all_kept(run):
    labels = list(open_run(run.path).labels)[::-1]
    model = network(segments=4, stack=2, size=(24, 32))
    report = start_from(model, run.path, labels)
    given = rows(run.load_model())
    for mine, its in zip(rows(model), given[::-1], strict=True):
        np.testing.assert_array_equal(mine, its)
    assert not report.same_classes
    assert report.fresh_classes == ()


def test_classifier_rows_of_another_width_are_initialised(run):
    labels = open_run(run.path).labels
    model = network("pan_lite_mobilenetv2", classes=9, size=(24, 32), width=0.25)
    report = start_from(model, run.path, (*labels, "wave"))
    assert "other shapes" in report.fresh["logits"]
    assert report.kept_classes == ()


def test_a_network_that_fits_nowhere_is_refused(file):
    with pytest.raises(UserError, match="none of its layers fits"):
        start_from(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), file)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"broken\.keras: damaged"):
        start_from(network(), tmp_path / "broken.keras")
