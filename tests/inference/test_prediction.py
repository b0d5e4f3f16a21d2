"""Prediction ranks classes, and reports and skips broken files."""

import json
import shutil

import pytest
from click.testing import CliRunner

from pan_keras.cli.predict import predict as command
from pan_keras.data import open_data
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.inference.prediction import predict, video_files


@pytest.fixture(scope="module")
def videos(small_motions):
    return sorted((small_motions / "test").rglob("*.mp4"))


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"not a video")
    return path


def test_probabilities_are_sorted_and_sum_to_one(run, videos):
    (prediction,) = predict(run.path, videos[:1], top=8)
    labels, probabilities = zip(*prediction.predictions, strict=True)
    assert set(labels) == set(run.labels)
    assert sorted(probabilities, reverse=True) == list(probabilities)
    assert sum(probabilities) == pytest.approx(1)


def test_prediction_agrees_with_evaluation(run, small_motions, tmp_path):
    evaluation = evaluate(run.path, output=tmp_path, progress=False)
    results = {result.path: result for result in evaluation.results}
    clips = open_data("motions", small_motions).clips("test")
    for prediction in predict(run.path, [clip.path for clip in clips], top=1, batch=3):
        ((label, probability),) = prediction.predictions
        result = results[str(prediction.path)]
        assert (label, probability) == (result.predicted, pytest.approx(result.probability))


def test_folders_are_searched_and_files_kept_in_order(videos, tmp_path):
    folder = tmp_path / "holiday" / "day one"
    folder.mkdir(parents=True)
    shutil.copy(videos[0], folder / "B.MP4")
    shutil.copy(videos[0], folder / "a.webm")
    (folder / "notes.txt").write_text("no video")
    odd = tmp_path / "video.part"
    shutil.copy(videos[0], odd)
    assert video_files([odd, tmp_path / "holiday"]) == [odd, folder / "B.MP4", folder / "a.webm"]


def test_hidden_files_are_used_only_if_named(tmp_path):
    for name in ("a.mp4", "._a.mp4", ".cache/b.mp4", "deep/__MACOSX/c.mp4", "deep/d.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    hidden = tmp_path / "._a.mp4"
    assert video_files([tmp_path]) == [tmp_path / "a.mp4", tmp_path / "deep" / "d.mp4"]
    assert video_files([hidden]) == [hidden]


def test_a_broken_file_does_not_stop_the_others(run, videos, broken):
    first, second = predict(run.path, [broken, videos[0]])
    assert first.error
    assert first.predictions == ()
    assert second.error is None
    assert len(second.predictions) == 5


def test_missing_files_are_named_before_the_work_starts(run, videos, tmp_path):
    with pytest.raises(UserError, match=r"gone\.mp4: no such file"):
        next(predict(run.path, [videos[0], tmp_path / "gone.mp4"]))
    with pytest.raises(UserError, match="no videos found"):
        next(predict(run.path, [tmp_path]))


def test_the_command_prints_one_json_object_per_video(run, videos, broken):
    arguments = [str(run.path), str(videos[0]), str(broken), "--json", "--top", "2"]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    good, bad = map(json.loads, result.stdout.splitlines())
    assert good["path"] == str(videos[0])
    assert [guess.keys() for guess in good["predictions"]] == [{"label", "probability"}] * 2
    assert bad["predictions"] == []
    assert bad["error"]
    assert "broken.mp4: skipped" in result.stderr


def test_the_command_fails_if_no_video_can_be_read(run, broken):
    result = CliRunner().invoke(command, [str(run.path), str(broken)], catch_exceptions=False)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "broken.mp4" in result.stderr
