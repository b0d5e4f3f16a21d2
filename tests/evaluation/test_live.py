"""A run answers about a source while it plays."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.data import Clip, FrameStore, clip_views, read_frames
from pan_keras.data.crops import resize_shorter_side
from pan_keras.data.resizing import resize
from pan_keras.data.video import probe
from pan_keras.evaluation.live import clip_of, predict_live


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
    assert times[-1] == pytest.approx((info.frames - 1) / info.rate, abs=1.5 / info.rate)
    for answer in answers:
        assert [set(guess) for guess in answer["predictions"]] == [{"label", "probability"}] * 2
        assert answer["dropped"] >= 0
        assert answer["seconds"] > 0


def test_a_window_is_looked_at_as_evaluation_looks_at_a_video(run, video):
    frames = read_frames(video, np.arange(probe(video).frames))
    small = np.stack([resize_shorter_side(frame, run.shape.resize, resize) for frame in frames])
    store = FrameStore(resize=run.shape.resize)
    expected = clip_views(Clip(video, label=0, split="test"), run.shape, store)
    np.testing.assert_array_equal(clip_of(small, run.shape), expected)


def test_lines_for_a_person_name_time_and_class(run, video):
    first = next(predict_live(run.path, f"file:{video}", top=1))
    ((label, share),) = first.predictions
    assert f"{label} {share:.1%}" in first.to_text()
    assert "dropped" not in first.to_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "none is given"),
        (("clip.mp4", "--source", "0"), "drop VIDEO"),
        (("--source", "0", "--overlay", "out.mp4"), "--overlay"),
        (("--source", "0", "--crops", "3"), "--crops"),
        (("--source", "absent.mp4"), "No such file"),
    ],
)
def test_mistakes_are_one_sentence(run, arguments, message):
    result = invoke(run.path, *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
