"""A bundle can take the place of a run in evaluation, fusion, prediction and streaming."""

import json
import shutil

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from exports import contents
from video_files import every_frame

from pan_keras.cli import main
from pan_keras.data import open_data
from pan_keras.data.joining import join_clips
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.inference import timeline
from pan_keras.input import FrameStore, clip_views
from pan_keras.metrics import softmax
from pan_keras.runtime import Recogniser
from pan_keras.runtime.preprocessing import clip_from_video
from pan_keras.video import frame_source


def test_a_bundle_away_from_its_run_asks_for_the_data_unless_they_have_a_card(
    exported, tmp_path, monkeypatch
):
    away = shutil.copytree(exported.path, tmp_path / "away")
    facts = json.loads((away / "model.json").read_text())
    (tmp_path / "videos" / "left").mkdir(parents=True)  # other videos of the same name
    monkeypatch.chdir(tmp_path)
    facts["source"]["data"]["source"] = "videos"
    (away / "model.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="does not record its data; name a card"):
        evaluate(away, progress=False)


def test_a_video_gets_the_logits_of_the_keras_model(run, exported):
    model = run.load_model()
    recogniser = Recogniser(exported, threads=2)
    for clip in open_data("motions", run.config.data.root).clips("test")[:3]:
        views = clip_views(clip, run.shape, FrameStore(resize=run.shape.resize))
        expected = keras.ops.convert_to_numpy(model(views))[0]
        found = recogniser.recognise(clip.path).logits
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_bundle_is_evaluated_as_a_run_is(run, exported, tmp_path):
    of_run = evaluate(run.path, output=tmp_path, progress=False)
    before = contents(exported.path)
    for precision in ("float32", "int8"):
        arguments = ["evaluate", str(exported.path), "--precision", precision, "--json"]
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        record = json.loads(result.stdout)
        assert record.keys() == json.loads(of_run.to_json()).keys()
        entry = exported.choose(precision)
        assert record["top1"] == entry.facts["accuracy"]["top1"]
        assert record["clips"] == of_run.clips
    assert exported.choose("float32").facts["accuracy"]["top1"] == of_run.top1
    assert contents(exported.path) == before


def test_a_bundle_and_a_run_are_fused(run, exported, tmp_path):
    fused = evaluate([run.path, exported.path], output=tmp_path, progress=False)
    alone = evaluate(run.path, output=tmp_path, progress=False)
    assert fused.top1 == alone.top1


def test_a_bundle_predicts(run, exported):
    clip = open_data("motions", run.config.data.root).clips("test")[0]
    arguments = ["predict", str(clip.path), "--precision", "int8", "--json", "--crops", "3"]
    arguments.insert(1, str(exported.path))
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    probabilities = [guess["probability"] for guess in json.loads(result.stdout)["predictions"]]
    assert sorted(probabilities, reverse=True) == probabilities


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--crops", "full"], "the size of an exported model is fixed"),
        (["--precision", "float16"], "holds no float16 model"),
        (["--format", "onnx"], "holds no onnx model"),
    ],
)
def test_unsupported_uses_of_a_bundle_give_one_sentence(exported, arguments, message):
    result = CliRunner().invoke(main, ["evaluate", str(exported.path), *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_a_run_has_no_precisions(run):
    result = CliRunner().invoke(main, ["evaluate", str(run.path), "--precision", "int8"])
    assert result.exit_code == 2
    assert "a run has one model" in result.output


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_after_all_segments_of_a_clip_a_stream_answers_as_for_the_clip(live, run, file_format):
    recogniser = Recogniser(live, precision="float32", file_format=file_format)
    clip = open_data("motions", run.config.data.root).clips("test")[0]
    frames = clip_from_video(clip.path, live.shape)
    for _ in range(2):
        recogniser.reset()
        answers = [recogniser.step(segment) for segment in frames]
        np.testing.assert_allclose(
            answers[-1].logits, recogniser.recognise(frames).logits, atol=1e-4
        )
        assert not np.allclose(answers[0].logits, answers[-1].logits, atol=1e-3)


@pytest.fixture(scope="module")
def long_video(run, tmp_path_factory):
    """Three clips of the embedded data set, one after another."""
    folder = tmp_path_factory.mktemp("long")
    clips = open_data("motions", run.config.data.root).clips("test")[:3]
    rows = [f"{clip.path},{run.labels[clip.label]}" for clip in clips]
    (folder / "plan.csv").write_text("\n".join(["path,label", *rows]))
    join_clips(folder / "plan.csv", folder / "long.mp4", rate=frame_source(clips[0].path).rate)
    return folder / "long.mp4"


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_the_timeline_of_a_stream_has_its_live_answers(live, long_video, file_format):
    found = timeline(live.path, long_video, precision="float32", file_format=file_format)
    recogniser = Recogniser(live, precision="float32", file_format=file_format)
    rate = frame_source(long_video).rate
    answers = [recogniser.watch(frame, n / rate) for n, frame in enumerate(every_frame(long_video))]
    logits = [answer.logits for answer in answers if answer is not None]
    # The first answers of a stream have seen fewer segments than a clip.
    expected = softmax(np.stack(logits[live.shape.segments - 1 :]))
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-4)
    assert np.ptp(found.probabilities, axis=0).max() > 1e-2


def test_the_timeline_of_a_causal_run_has_the_times_of_its_stream(live, long_video):
    of_run = timeline(live.path.parent, long_video)
    of_stream = timeline(live.path, long_video, precision="float32")
    np.testing.assert_allclose(of_run.times, of_stream.times)
    # Later windows of the stream also know the segments before them.
    np.testing.assert_allclose(of_run.probabilities[0], of_stream.probabilities[0], atol=1e-3)
