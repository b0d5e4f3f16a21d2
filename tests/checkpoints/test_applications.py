"""Reading `keras.applications` weights from untrusted files written by Keras."""

import h5py
import keras
import numpy as np
import pytest

from pan_keras import backbones
from pan_keras.checkpoints import is_application, load_backbone_weights
from pan_keras.checkpoints.applications import application_of, application_state
from pan_keras.checkpoints.imagenet import absorb
from pan_keras.errors import CheckpointError, UserError
from pan_keras.models import create
from pan_keras.training.initial_weights import initial_weights


@pytest.fixture(scope="module")
def network():
    """Keras' MobileNetV2 nested in a classifier, as after transfer learning."""
    keras.utils.set_random_seed(3)
    inner = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(64, 64, 3), name="mobilenetv2_inside"
    )
    draw = np.random.default_rng(0)
    for layer in inner.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            arrays = [draw.uniform(0.5, 1.5, weight.shape) for weight in layer.weights]
            layer.set_weights(arrays)
    images = keras.Input((64, 64, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inner(images))
    return keras.Model(images, keras.layers.Dense(5, name="breeds")(pooled))


@pytest.fixture(scope="module", params=[".h5", ".keras"])
def file(request, network, tmp_path_factory):
    path = tmp_path_factory.mktemp("applications") / f"dogs{request.param}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("absl.logging.warning", lambda *arguments: None)
        network.save(path)
    return path


def test_a_file_gives_the_weights_that_keras_has(network, file):
    assert application_of(file) == "mobilenetv2"
    source = backbones.get("mobilenetv2")
    inner = network.get_layer("mobilenetv2_inside")
    expected = absorb(inner, source.pretrained, source.kind.normalisation)
    found = application_state(file, "mobilenetv2")
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


def test_training_starts_from_a_file(file):
    model = create("pan_lite_mobilenetv2", classes=3, segments=2, stack=2, size=32)
    (report,) = initial_weights(model, str(file))
    state = application_state(file, "mobilenetv2")
    kernel = np.asarray(model.backbone.get_layer("features_18_0").kernel)
    np.testing.assert_array_equal(kernel, state["features.18.0.weight"].transpose(2, 3, 1, 0))
    assert report.inflated == 4
    assert report.dropped == ()


def test_a_file_of_another_network_is_refused(file, run):
    assert not is_application(run.path / "model.keras")
    model = create("pan_lite_micro", classes=3, segments=2, stack=2, size=32)
    with pytest.raises(UserError, match=rf"{file.name}: keras.applications has no micro"):
        load_backbone_weights(model, file)
    thin = create("pan_lite_mobilenetv2", classes=3, segments=2, stack=2, size=32, width=0.5)
    with pytest.raises(UserError, match="its tensors are not those of the network"):
        load_backbone_weights(thin, file)


def damaged(tmp_path, change):
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        change(file)
    return path


def endless(file):
    group = file.create_group("a")
    group["a"] = group
    group["b"] = group


def far_too_large(file):
    file.create_dataset("block_16_project/kernel", shape=(2**40,), dtype="float32", chunks=(1024,))


def outside(file):
    file["block_16_project"] = h5py.ExternalLink("/etc/other.h5", "/kernel")


def lacking(file):
    file.create_dataset("block_16_project/kernel", data=np.zeros((1, 1, 960, 320), "float32"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (endless, "more groups than any network"),
        (far_too_large, "is not in the file"),
        (outside, "is a link elsewhere"),
        (lacking, "it lacks Conv1/kernel"),
    ],
)
def test_a_hostile_file_is_refused_in_one_sentence(change, message, tmp_path):
    path = damaged(tmp_path, change)
    with pytest.raises(CheckpointError, match=message):
        application_state(path, "mobilenetv2")


def test_a_file_that_is_not_hdf5_is_refused(tmp_path):
    (tmp_path / "text.h5").write_text("weights")
    assert not is_application(tmp_path / "text.h5")
    with pytest.raises(CheckpointError, match="not an HDF5 file"):
        application_state(tmp_path / "text.h5", "mobilenetv2")
