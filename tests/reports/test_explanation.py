"""Explanations: segments and weights of the timescales, and evidence per class."""

import json

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner

from pan_keras import models
from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.inference import predict
from pan_keras.layers import timescale_members
from pan_keras.reports import explain, write_explanation
from pan_keras.reports.explanation import class_evidence, segment_parts


@pytest.fixture(scope="module")
def video(small_motions):
    return next((small_motions / "test" / "up").glob("*.mp4"))


def invoke(*arguments):
    return CliRunner().invoke(main, ["explain", *map(str, arguments)], catch_exceptions=False)


def test_json_has_the_timescales_as_the_layer_has_them(run, video):
    found = json.loads(invoke(run.path, video, "--json").stdout)
    assert [
        (each["k"], each["index"], tuple(each["segments"])) for each in found["timescales"]
    ] == timescale_members(4)
    assert sum(each["weight"] for each in found["timescales"]) == pytest.approx(1, abs=1e-5)
    assert [segment["index"] for segment in found["segments"]] == [0, 1, 2, 3]
    assert {len(segment["frames"]) for segment in found["segments"]} == {2}
    (network,) = found["networks"]
    assert network["name"] == "pan_lite_micro"
    assert np.array(network["mean_motion"]).shape == (4, 1)
    assert {len(values) for values in network["evidence"].values()} == {4}
    assert "logit" in found["evidence_is"]


def test_the_answer_is_that_of_predict(run, video):
    (prediction,) = predict(run.path, [video], top=8)
    explanation = explain(run.path, video)
    found = [(run.labels[each], explanation.probabilities[each]) for each in explanation.ranking]
    assert [label for label, _ in found] == [label for label, _ in prediction.predictions]
    np.testing.assert_allclose(
        [share for _, share in found], [share for _, share in prediction.predictions], rtol=1e-3
    )


def test_motion_and_pictures_are_those_of_the_stacks(run, video):
    explanation = explain(run.path, video)
    assert explanation.pictures.shape == (4, 24, 32, 3)
    assert explanation.networks[0].motion.shape == (4, 1, 24, 32)
    assert (np.diff(explanation.frames[:, 0]) > 0).all()
    assert (np.diff(explanation.frames, axis=1) == 1).all()


@pytest.mark.parametrize(
    ("model", "overrides"), [("tsn_micro", ()), ("pa_micro", ("model.aggregation=vip",))]
)
def test_networks_without_motion_or_timescales_are_explained_too(
    make_run, video, tmp_path, model, overrides
):
    run = make_run(*overrides, model=model)
    result = invoke(run.path, video, "-o", tmp_path / "explain.png")
    assert result.exit_code == 0
    assert ("no timescales" in result.stdout) == (model == "tsn_micro")
    assert cv2.imread(str(tmp_path / "explain.png")).shape[1] > 800


def test_networks_of_fused_models_are_drawn_below_each_other(make_run, run, video, tmp_path):
    explanation = explain(make_run(model="pan_full_micro").path, video)
    found = json.loads(explanation.to_json())
    assert [each["network"] for each in found["timescales"]] == ["rgb"] * 3 + ["pa"] * 3
    assert [each["mean_motion"] is None for each in found["networks"]] == [True, False]
    text = explanation.to_text()
    assert text.index("\nrgb\n") < text.index("\npa\n")
    heights = []
    for number, each in enumerate((explain(run.path, video), explanation)):
        write_explanation(each, tmp_path / f"{number}.png")
        heights.append(cv2.imread(str(tmp_path / f"{number}.png")).shape[0])
    assert heights[1] > 1.5 * heights[0]


def test_a_video_that_cannot_be_read_is_named(run, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(UserError, match=r"broken\.mp4"):
        explain(run.path, tmp_path / "broken.mp4")


@pytest.mark.parametrize("segments", [2, 6, 8])
@pytest.mark.parametrize("aggregation", ["vap", "vip", "average"])
def test_evidence_adds_up_to_the_logits_of_a_network(segments, aggregation):
    model = models.create(
        "tsm_micro", classes=5, segments=segments, stack=1, size=32, aggregation=aggregation, seed=3
    )
    dense = model.get_layer("logits")
    rng = np.random.default_rng(segments)
    dense.set_weights([rng.normal(size=weight.shape) for weight in dense.get_weights()])
    frames = rng.integers(0, 256, (1, segments, 1, 32, 32, 3)).astype("uint8")
    tensors = {
        key: keras.ops.convert_to_numpy(value)[0]
        for key, value in model.intermediates(frames).items()
    }
    kernel, bias = dense.get_weights()
    evidence = class_evidence(tensors["features"], tensors.get("weights"), kernel)
    logits = tensors["logits"] - bias
    np.testing.assert_allclose(evidence.sum(axis=0), logits - logits.mean(), rtol=1e-4, atol=1e-5)


def test_a_maximum_is_attributed_to_its_segment():
    features = np.array([[5.0, 0.0], [1.0, 2.0], [0.0, 0.0], [0.0, 2.0]])
    weights = np.zeros(len(timescale_members(4)))
    weights[0] = 1.0
    parts = segment_parts(features, weights)
    assert parts.tolist() == [[5, 0], [0, 1], [0, 0], [0, 1]], "a tie is shared"


def test_only_the_members_of_a_timescale_contribute_to_it():
    features = np.array([[1.0], [9.0], [2.0], [9.0]])
    weights = np.array([0.0, 1.0, 0.0])  # k = 2, i = 0: segments 0 and 2
    assert segment_parts(features, weights).tolist() == [[0], [0], [2], [0]]


def test_contributions_equal_for_all_classes_are_not_evidence():
    evidence = class_evidence(np.ones((2, 3)), None, np.ones((3, 4)))
    np.testing.assert_allclose(evidence, np.zeros((2, 4)))
