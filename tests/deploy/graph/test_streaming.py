"""A streaming model gives the logits of the clip model for the clip made of its segments."""

import numpy as np
import pytest
from deployed import clips, last_logits, make, run

from pan_keras.clips import ClipShape
from pan_keras.deploy.artefact import state_tensors
from pan_keras.deploy.formats.onnx import to_onnx
from pan_keras.deploy.formats.tflite import to_tflite
from pan_keras.deploy.gate.structure import structure_problems
from pan_keras.deploy.graph.network import deployment_graph

CASES = [
    ("pan_lite_micro", {"causal": True}),
    ("pan_full_micro", {"causal": True}),
    ("pan_lite_mobilenetv2", {"causal": True, "width": 0.5}),
    ("tsn_micro", {"stack": 1}),
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_after_n_segments_the_logits_are_those_of_the_clip(name, options):
    model = make(name, **options)
    some = clips(model)
    expected = model.predict_on_batch(some)
    shape = ClipShape(model.segments, model.stack, model.size, 40)
    for convert in (to_tflite, to_onnx):
        step = convert(model, streaming=True)
        assert structure_problems(step, shape, classes=5) == []
        np.testing.assert_allclose(last_logits(step, some), expected, rtol=0, atol=1e-4)


def test_states_are_listed_in_the_order_of_their_numbers():
    model = make("pan_lite_mobilenetv2", causal=True, width=0.35)
    states = state_tensors(deployment_graph(model, streaming=True))
    assert [state.name for state in states] == [f"state_{number}" for number in range(11)]
    assert states[-1].shape == (4, 1280)


def test_a_longer_video_is_the_causal_backbone_with_the_last_n_pooled():
    model = make("pan_lite_micro", causal=True, segments=4)
    longer = make("pan_lite_micro", causal=True, segments=7)
    for source, target in zip(model.weights, longer.weights, strict=True):
        if source.shape == target.shape:
            target.assign(source)
    video = clips(longer, 1)[0]
    found = run(to_tflite(model, streaming=True), video)
    features = longer.intermediates(video[None])["features"]
    for step in range(3, 7):
        last = model.get_layer("vap")(features[:, step - 3 : step + 1])
        expected = model.get_layer("logits")(last)
        np.testing.assert_allclose(found[step]["logits"], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("convert", [to_tflite, to_onnx])
def test_int8_stays_close(convert):
    model = make("pan_lite_micro", causal=True)
    some = clips(model, 8)
    step = convert(model, "int8", calibration=some, streaming=True)
    found, expected = last_logits(step, some), model.predict_on_batch(some)
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_the_motion_of_the_segment_is_an_optional_output():
    model = make("pan_lite_micro", causal=True)
    clip = clips(model, 1)[0]
    expected = model.intermediates(clip[None])["motion"][0]
    for precision, close in [("float32", 1e-5), ("int8", 0.05 * float(np.max(expected)))]:
        step = to_tflite(model, precision, calibration=[clip], streaming=True, with_motion=True)
        found = np.concatenate([outputs["motion"] for outputs in run(step, clip)])
        np.testing.assert_allclose(found, expected, rtol=0, atol=close)


def test_a_shift_that_looks_ahead_cannot_stream():
    with pytest.raises(ValueError, match=r"model\.causal=true"):
        to_tflite(make("pan_lite_micro"), streaming=True)
