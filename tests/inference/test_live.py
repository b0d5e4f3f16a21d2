"""Live predictions while a source plays."""

import json

import numpy as np
import pytest
from bundles import LABELS
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.inference import open_classifier, predict, predict_live
from pan_keras.input import FrameStore, clip_views
from pan_keras.runtime import Bundle, Recogniser, live_window
from pan_keras.video import probe, read_frames


@pytest.fixture(scope="module")
def video(small_motions):
    return max((small_motions / "train").rglob("*.mp4"), key=lambda path: probe(path).frames)


def invoke(*arguments):
    return CliRunner().invoke(main, ["predict", *map(str, arguments)], catch_exceptions=False)


def test_a_source_is_answered_until_it_ends(run, video):
    result = invoke(run.path, "--source", video, "--every", 0.2, "--top", 2, "--json")
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) > 1
    times = [answer["time"] for answer in answers]
    assert times == sorted(times)
    info = probe(video)
    # The last answer is for the last complete segment.
    stride = run.live_sampling.stride / info.rate
    assert times[-1] == pytest.approx((info.frames - 1) / info.rate, abs=stride + 0.01)
    for answer in answers:
        assert [set(guess) for guess in answer["predictions"]] == [{"label", "probability"}] * 2
        assert answer["dropped"] >= 0
        assert answer["seconds"] > 0


def trained_on(run, video):
    """A run whose training clips all had the length and frame rate of a video."""
    info, report = probe(video), run.data_report
    report["frames"]["median"], report["frame_rate"]["median"] = info.frames, info.rate
    run.write("data_report.json", report)
    return run


def test_a_window_is_preprocessed_as_in_evaluation(own_run, video):
    window = open_classifier(trained_on(own_run, video).path).live_window()
    for number, frame in enumerate(read_frames(video, np.arange(probe(video).frames))):
        window.push(frame, number / probe(video).rate)
    store = FrameStore(resize=own_run.shape.resize)
    (expected,) = clip_views(Clip(video, label=0, split="test"), own_run.shape, store)
    np.testing.assert_array_equal(window.clip, expected)


def test_the_answer_for_a_recording_is_that_of_predict(own_run, video):
    ((found, *_),) = [list(predict_live(trained_on(own_run, video).path, str(video), top=8))]
    (expected,) = predict(own_run.path, [video], top=8)
    assert dict(found.predictions) == pytest.approx(dict(expected.predictions), rel=1e-3)


def test_a_run_without_a_record_of_its_clips_gives_an_error(own_run, video):
    own_run.write("data_report.json", {})
    with pytest.raises(UserError, match="does not describe the frames"):
        next(predict_live(own_run.path, str(video)))


def test_a_streaming_bundle_carries_its_states_from_step_to_step(own_bundle, video):
    info = probe(video)
    facts = json.loads((own_bundle / "model.json").read_text())
    facts["sampling"] |= {"frame_rate": info.rate, "live": {"stride": info.frames / 12}}
    (own_bundle / "model.json").write_text(json.dumps(facts))
    answers = list(predict_live(own_bundle, str(video), every=0))
    recogniser, window = Recogniser(own_bundle), live_window(Bundle.open(own_bundle))
    expected = {}
    for number, frame in enumerate(read_frames(video, np.arange(info.frames))):
        for segment in window.push(frame, number / info.rate):
            expected[round(segment.time, 3)] = tuple(recogniser.step(segment.frames).top(3))
    assert len(expected) > 8
    found = {round(answer.time, 3): answer.predictions for answer in answers}
    assert len(found) > 5
    assert found.items() <= expected.items()
    assert max(found) == max(expected)
    assert len(set(found.values())) > 3


def test_a_stream_read_slowly_drops_nothing(bundle, video):
    answers = list(predict_live(bundle, str(video), every=0.3))
    assert [answer.dropped for answer in answers] == [0] * len(answers)
    info = probe(video)
    length = info.frames / info.rate
    assert 1 < len(answers) <= length / 0.3 + 2
    assert answers[-1].time == pytest.approx(length, abs=3 / info.rate)


def test_a_bundle_of_clips_answers_for_the_last_segments(own_bundle, video):
    result = invoke(own_bundle, "--source", video, "--format", "onnx", "--json")
    assert result.exit_code == 0
    line = result.stdout.splitlines()[-1]
    assert {guess["label"] for guess in json.loads(line)["predictions"]} == set(LABELS)


def test_text_lines_have_time_and_class(run, video):
    first = next(predict_live(run.path, f"file:{video}", top=1))
    ((label, share),) = first.predictions
    assert f"{label} {share:.1%}" in first.to_text()
    assert "dropped" not in first.to_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "VIDEO is missing"),
        (("clip.mp4", "--source", "0"), "cannot be combined with VIDEO"),
        (("--source", "0", "--overlay", "out.mp4"), "--overlay"),
        (("--source", "0", "--crops", "3"), "--crops"),
        (("--source", "absent.mp4"), "No such file"),
        (("--source", "97"), "camera 97"),
        (("--source", "htp://camera/door"), "htp is not a supported kind of address"),
        (("--source", "rtsp://camera:99999/door"), "not an address"),
        (("--source", "rtsp://"), "names no host"),
        (("--source", "."), "a folder"),
    ],
)
def test_user_errors_are_one_sentence(run, arguments, message):
    result = invoke(run.path, *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("source", ["absent.mp4", "97", "rtsp://", "http://[::1/x"])
def test_a_wrong_source_is_refused_before_the_model_is_loaded(own_run, source):
    (own_run.path / "model.keras").unlink()
    with pytest.raises(UserError) as caught:
        next(predict_live(own_run.path, source))
    assert "model.keras" not in str(caught.value)
