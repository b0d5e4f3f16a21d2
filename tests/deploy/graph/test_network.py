"""The deployment graph equals the trained model, in fewer operations."""

import numpy as np
import pytest
from deployed import clips, last_logits, make

from pan_keras import backbones
from pan_keras.backbones.input_normalisation import InputNormalisation
from pan_keras.deploy.formats.onnx import to_onnx
from pan_keras.deploy.formats.tflite import to_tflite
from pan_keras.deploy.graph.motion import in_pairs
from pan_keras.deploy.graph.network import deployment_graph
from pan_keras.models import AppearanceCue, MotionCue, PANLite, VideoNetwork


def outputs(model, clip, **options):
    graph = deployment_graph(model, **options)
    return graph({"frames": clip.reshape(-1, *clip.shape[-3:])})


@pytest.mark.parametrize("size", [(32, 40), (31, 40), (33, 35)])
@pytest.mark.parametrize("eight_bits", [False, True])
@pytest.mark.parametrize("stack", [2, 4])
def test_motion_is_that_of_the_layer(size, stack, eight_bits):
    model = make("pan_lite_micro", size=size, stack=stack)
    clip = clips(model, 1)[0]
    expected = model.intermediates(clip[None])["motion"][0]
    found = outputs(model, clip, with_motion=True, eight_bits=eight_bits)["motion"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kernel_size", [3, 5, 9])
def test_motion_of_other_kernels_is_that_of_the_layer(kernel_size):
    model = make("pa_micro", motion_kernel=kernel_size)
    clip = clips(model, 1)[0]
    expected = model.intermediates(clip[None])["motion"][0]
    for eight_bits in (False, True):
        found = outputs(model, clip, with_motion=True, eight_bits=eight_bits)["motion"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_motion_of_repeated_frames_is_finite_and_nearly_zero():
    model = make("pan_lite_micro")
    clip = np.full((4, 3, 32, 40, 3), 77, "uint8")
    motion = outputs(model, clip, with_motion=True)["motion"].numpy()
    np.testing.assert_allclose(motion, np.sqrt(8) * 1e-6, rtol=1e-3)


def test_pairs_of_pixels_keep_the_kernel_in_its_middle():
    kernel = np.arange(8.0).reshape(1, 8, 1, 1)
    pairs = np.asarray(in_pairs(kernel))
    assert pairs.shape == (1, 5, 2, 1)
    assert pairs.ravel().tolist() == [0, *range(8), 0]


def test_takes_any_number_of_clips_with_a_dynamic_batch():
    model = make("pan_lite_micro")
    some = clips(model, 3)
    graph = deployment_graph(model, clips=None)
    assert graph.input["frames"].shape == (None, 32, 40, 3)
    found = graph({"frames": some.reshape(-1, 32, 40, 3)})["logits"]
    np.testing.assert_allclose(found, model.predict_on_batch(some), rtol=0, atol=1e-4)


def test_a_model_without_motion_has_no_motion_output():
    with pytest.raises(ValueError, match="computes no PA"):
        deployment_graph(make("tsm_micro"), with_motion=True)


class TwoMotions(VideoNetwork):
    """A user's family: the middle frame, PA of all frames, and PA of the last two."""

    @classmethod
    def plan(cls, stack):
        last = stack - 1
        return (AppearanceCue(1), MotionCue(0, last), MotionCue(last - 1, last, "late_motion"))


@pytest.mark.parametrize("convert", [to_tflite, to_onnx])
def test_a_family_is_exported_by_its_cues(convert):
    model = TwoMotions(classes=5, backbone="micro", segments=4, stack=3, size=(32, 40))
    model.get_layer("logits").kernel.assign(np.random.default_rng(0).normal(size=(96, 5)))
    some = clips(model)
    artefact = convert(model, with_motion=True)
    expected = model.predict_on_batch(some)
    np.testing.assert_allclose(last_logits(artefact, some), expected, rtol=0, atol=1e-4)
    first = model.intermediates(some[:1])["motion"][0]
    found = outputs(model, some[0], with_motion=True)["motion"]
    np.testing.assert_allclose(found, first, rtol=0, atol=1e-5)


def test_a_backbone_on_bgr_is_exported_as_trained():
    backbone = backbones.create("micro", 5, 4)
    backbone.normalisation = InputNormalisation(
        (104.0, 117.0, 123.0), (2.0, 3.0, 4.0), 255.0, "bgr"
    )
    model = PANLite(classes=5, backbone=backbone, segments=4, stack=3, size=(32, 40))
    model.get_layer("logits").kernel.assign(np.random.default_rng(0).normal(size=(96, 5)) / 50)
    clip = clips(model, 1)
    expected = model.predict_on_batch(clip)
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(outputs(model, clip[0])["logits"], expected, rtol=1e-4, atol=1e-4)
    artefact = to_tflite(model, "int8", calibration=clip)
    assert "REVERSE_V2" not in artefact.facts["ops"]
    assert not any("no form" in reason for reason in artefact.facts["float_ops"].values())


@pytest.mark.parametrize(
    "options", [{"motion_depth": 2}, {"motion_depth": 0}, {"motion_encoding": "e2"}]
)
def test_motion_that_cannot_be_exported_is_refused(options):
    with pytest.raises(ValueError, match="train with depth 1 and encoding 'motion' to export"):
        deployment_graph(make("pa_micro", **options))


def test_a_backbone_of_whole_clips_is_refused():
    model = make("tsm_micro")
    model.backbone.layout = "clip"
    with pytest.raises(ValueError, match="export a network whose backbone takes frames"):
        deployment_graph(model)
