"""A user's backbone is one class and needs no change elsewhere in the package."""

import keras
import numpy as np
import pytest
from keras import layers

from pan_keras import backbones, models
from pan_keras.backbones import Backbone, InputNormalisation, register
from pan_keras.backbones.backbone import shape_of
from pan_keras.checkpoints import (
    check_saved,
    convert,
    load_backbone_weights,
    save_state_dict,
    state_dict_of,
)
from pan_keras.layers import BatchNormalization, TemporalShift
from pan_keras.models.cost import cost

CAFFE = InputNormalisation((123.0, 117.0, 104.0), (1.0, 1.0, 1.0), 255.0, "bgr")
CLIP = {"classes": 3, "segments": 4, "stack": 3, "size": 16}


@keras.saving.register_keras_serializable(package="test")
class Volumes(Backbone):
    """Two 3D convolutions over whole clips."""

    layout = "clip"
    stem = "first"

    def __init__(self, *, channels=3, segments=None, dtype=None, **kwargs):
        policy = keras.dtype_policies.get(dtype)
        maps = keras.Input((segments, None, None, channels), name="maps")
        x = layers.Conv3D(4, 3, padding="same", use_bias=False, name="first", dtype=policy)(maps)
        x = layers.ReLU(name="relu", dtype=policy)(BatchNormalization(name="bn", dtype=policy)(x))
        x = layers.Conv3D(6, 3, strides=2, padding="same", name="second", dtype=policy)(x)
        features = layers.GlobalAveragePooling3D(name="pool", dtype=policy)(x)
        configuration = {"channels": channels, "segments": segments}
        super().__init__(maps, features, configuration, policy, **kwargs)

    @classmethod
    def recognise(cls, shapes):
        if "second.bias" not in shapes:
            return None
        shape_of(shapes, "first.weight", 5)
        return {}


@keras.saving.register_keras_serializable(package="test")
class Flat(Backbone):
    """Two convolutions over BGR frames, with biases as in BN-Inception."""

    normalisation = CAFFE
    stem = "stem_conv"
    classifier = "last_linear"

    def __init__(self, *, width=8, channels=3, segments=None, causal=False, dtype=None, **kwargs):
        maps = keras.Input((None, None, channels), name="maps")
        x = layers.Conv2D(width, 3, padding="same", name="stem_conv")(maps)
        x = layers.ReLU(name="relu")(BatchNormalization(name="stem_bn")(x))
        if segments:
            x = TemporalShift(segments, causal=causal, name="block_shift")(x)
        x = layers.DepthwiseConv2D(3, padding="same", name="block_each")(x)
        x = layers.Conv2D(8, 1, name="block_conv")(x)
        features = layers.GlobalAveragePooling2D(name="pool")(x)
        configuration = {
            "width": width,
            "channels": channels,
            "segments": segments,
            "causal": causal,
        }
        super().__init__(maps, features, configuration, keras.dtype_policies.get(dtype), **kwargs)

    @classmethod
    def recognise(cls, shapes):
        if "block.each.weight" not in shapes:
            return None
        return {"width": shape_of(shapes, "stem.conv.weight", 4)[0]}

    @classmethod
    def from_timm(cls, state):
        return {key.replace("conv_stem", "stem.conv"): array for key, array in state.items()}


@pytest.fixture(autouse=True)
def registered(registered_backbones):
    register("volumes")(Volumes)
    register("flat", options=("width",))(Flat)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def frames(model, clips=2):
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (clips, *model.input_shape[1:])).astype("uint8")


@pytest.mark.parametrize("family", ["rgb", "pa", "pan_lite", "pan_full", "pan_en"])
def test_a_network_on_whole_clips_trains_and_is_saved(family, tmp_path):
    model = models.create(f"{family}_volumes", **CLIP)
    clips = frames(model)
    assert model.output_shape == (None, 3)
    tensors = model.intermediates(clips)
    assert not [name for name in tensors if name.endswith(("features", "weights", "timescales"))]
    feature = next(array for name, array in tensors.items() if name.endswith("video_feature"))
    assert feature.shape == (2, 6)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    before = numpy(model.trainable_weights[-1])
    assert np.isfinite(model.train_on_batch(clips, np.array([0, 2])))
    assert not np.array_equal(before, numpy(model.trainable_weights[-1]))
    model.save(tmp_path / "model.keras")
    twin = models.load(tmp_path / "model.keras")
    np.testing.assert_allclose(
        twin.predict_on_batch(clips), model.predict_on_batch(clips), atol=1e-5
    )


def test_a_network_on_whole_clips_depends_on_the_order_of_segments():
    model = models.create("rgb_volumes", **CLIP)
    clips = frames(model)
    forwards = model.predict_on_batch(clips)
    assert not np.allclose(forwards, model.predict_on_batch(clips[:, ::-1]))


def test_options_without_meaning_for_whole_clips_are_refused():
    assert "rgb_volumes" in models.names() and "tsm_volumes" not in models.names()
    assert "rgb_micro" not in models.names()
    with pytest.raises(ValueError, match="unknown option of pan_lite_volumes 'aggregation'"):
        models.create("pan_lite_volumes", aggregation="vap", **CLIP)
    with pytest.raises(ValueError, match=r"'volumes' takes whole clips.*remove aggregation"):
        models.PANLite(backbone="volumes", aggregation="average", **CLIP)
    with pytest.raises(ValueError, match="gives a feature per segment"):
        models.PANLite(backbone="micro", aggregation="none", **CLIP)
    with pytest.raises(ValueError, match="no temporal shift; remove causal"):
        backbones.create("volumes", causal=True)


def test_costs_of_whole_clips_are_counted():
    model = models.create("rgb_volumes", **CLIP)
    counted = cost(model)
    first, second = 4 * 16 * 16 * 27 * 3 * 4, 2 * 8 * 8 * (27 * 4 + 0) * 6
    assert counted.uncounted == ()
    assert counted.needed_macs == first + second + 6 * 3


@pytest.mark.parametrize("name", ["pan_lite_volumes", "pan_lite_flat", "pa_flat"])
def test_checkpoints_survive_a_round_trip(name, tmp_path):
    options = {"width": 16} if name.endswith("flat") else {}
    model = models.create(name, **CLIP, **options)
    file = tmp_path / "state.pth.tar"
    save_state_dict(model, file)
    converted = convert(file, segments=4, name=name, size=16)
    assert (converted.name, converted.settings) == (name, options)
    for weight, expected in zip(converted.model.weights, model.weights, strict=True):
        np.testing.assert_array_equal(numpy(weight), numpy(expected))
    converted.model.save(tmp_path / "model.keras")
    found = check_saved(converted.model, converted.branches, tmp_path / "model.keras")
    assert found["largest_logit_difference"] == [None]


def test_names_in_pytorch_are_those_that_the_backbone_declares():
    keys = set(state_dict_of(models.create("pan_lite_flat", **CLIP)))
    assert "base_model.last_linear.TES.0.weight" in keys
    assert {"base_model.stem.conv.bias", "base_model.block.each.net.weight"} <= keys
    assert "base_model.block.conv.weight" in keys


def test_weights_of_an_image_network_are_loaded_by_the_declared_names(tmp_path):
    network = models.create("pan_lite_flat", **CLIP)
    given = {
        key.removeprefix("base_model.").replace(".net", "").replace("stem.conv", "conv_stem"): array
        for key, array in state_dict_of(models.create("tsn_flat", **CLIP)).items()
        if key.startswith("base_model.")
    }
    np.savez(tmp_path / "timm.npz", **given)
    (report,) = load_backbone_weights(network, tmp_path / "timm.npz")
    assert (report.inflated, report.fresh, report.dropped) == (5, True, ())
    np.testing.assert_array_equal(
        network.backbone.get_layer("stem_conv").bias, given["conv_stem.bias"]
    )


def test_frames_are_scaled_and_ordered_as_the_backbone_declares():
    model = models.create("tsn_flat", **CLIP)
    clips = frames(model)
    seen = clips[:, :, 0, ..., ::-1].astype("float32") - np.array([104, 117, 123], "float32")
    expected = numpy(model.backbone(seen.reshape(-1, 16, 16, 3)))
    found = numpy(model.intermediates(clips)["features"])
    np.testing.assert_allclose(found, np.reshape(expected, (2, 4, 8)), rtol=1e-4, atol=1e-3)
    motion = models.create("pa_flat", **CLIP)
    stacks = clips[..., ::-1].astype("float32") - np.array([104, 117, 123], "float32")
    pa = motion.get_layer("persistence_of_appearance")(stacks.reshape(-1, 3, 16, 16, 3))
    pa, found = numpy(pa), numpy(motion.intermediates(clips)["motion"])
    np.testing.assert_allclose(found, np.reshape(pa, found.shape), rtol=1e-4, atol=1e-3)
    assert cost(motion).uncounted == ()


def test_exports_follow_the_declarations_of_the_backbone_or_refuse_it():
    pytest.importorskip("tensorflow")
    from pan_keras.deploy.graph.network import deployment_graph

    model = models.create("pan_lite_flat", **CLIP)
    clips = frames(model, 1)
    found = deployment_graph(model)({"frames": clips.reshape(-1, 16, 16, 3)})["logits"]
    np.testing.assert_allclose(numpy(found), numpy(model(clips)), rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="volumes: it takes whole clips"):
        deployment_graph(models.create("rgb_volumes", **CLIP))
