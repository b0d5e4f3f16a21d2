"""Overlays: the prediction is drawn over a copy of each video, at the right path."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from video_files import every_frame, moving_frames, write_video

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.inference.prediction import Prediction, predict
from pan_keras.reports.overlay import answer_box, drawings, predict_onto, viewable
from pan_keras.video import probe


@pytest.fixture(scope="module")
def videos(small_motions):
    return sorted((small_motions / "test").rglob("*.mp4"))


def invoke(*arguments):
    return CliRunner().invoke(main, ["predict", *map(str, arguments)], catch_exceptions=False)


def test_the_copy_has_the_frames_and_the_rate_of_the_video(run, videos, tmp_path):
    result = invoke(run.path, videos[0], "--overlay", tmp_path / "over.mp4", "--json")
    assert json.loads(result.stdout)["path"] == str(videos[0])
    (prediction,) = predict(run.path, videos[:1])
    assert json.loads(result.stdout)["predictions"][0]["label"] == prediction.predictions[0][0]
    before, after = probe(videos[0]), probe(tmp_path / "over.mp4")
    assert after.frames == before.frames
    assert after.rate == pytest.approx(before.rate, rel=1e-3)
    assert (after.height, after.width) == (288, 288)


def test_motion_is_coloured_and_still_parts_are_unchanged(run, tmp_path):
    # Wider than any prediction, as that of an untrained network is random.
    still = np.full((8, 240, 360, 3), 90, np.uint8)
    for number, frame in enumerate(still):
        frame[100:140, 60 + 10 * number : 90 + 10 * number] = 200
    path = write_video(tmp_path / "block.mp4", still, crf=10)
    list(predict_onto(run.path, [path], tmp_path / "over.mp4"))
    drawn = every_frame(tmp_path / "over.mp4")[3].astype(int)
    quiet, edge = drawn[40:70, 150:230], drawn[100:140, 115:125]
    assert np.abs(quiet - 90).max() < 12
    assert (edge[..., 0] - edge[..., 2]).mean() > 20, "heat is red rather than blue"
    assert drawn[235, 320:].mean() == pytest.approx(90, abs=12)
    assert drawn[200:238, 2:6].mean() < 40, "the answer stands on dark"


def test_several_videos_go_into_a_folder_that_is_laid_out_as_they_are(run, videos, tmp_path):
    folder = tmp_path / "clips"
    for name in ("left/a.mp4", "right/a.avi"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(videos[0], folder / name)
    list(predict_onto(run.path, [folder], tmp_path / "out"))
    found = [path.relative_to(tmp_path / "out") for path in sorted((tmp_path / "out").rglob("*.*"))]
    assert found == [Path("left/a.mp4"), Path("right/a.mp4")]


def test_output_paths_are_checked_before_the_work():
    one, two = Path("/a/x/1.mp4"), Path("/a/y/1.mp4")
    assert drawings([one], Path("out.mp4")) == {one: Path("out.mp4")}
    assert drawings([one], Path("out")) == {one: Path("out/1.mp4")}
    assert drawings([one, two], Path("out")) == {
        one: Path("out/x/1.mp4"),
        two: Path("out/y/1.mp4"),
    }
    with pytest.raises(UserError, match="one file for 2 videos; name a folder"):
        drawings([one, two], Path("out.mp4"))
    with pytest.raises(UserError, match=r"ends in \.mp4"):
        drawings([one], Path("out.avi"))
    with pytest.raises(UserError, match="both would be drawn to"):
        drawings([one, one.with_suffix(".avi")], Path("out"))


def test_a_broken_file_and_a_video_of_one_frame_do_not_stop_the_others(run, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.mp4").write_bytes(b"no video")
    write_video(tmp_path / "in" / "one.mp4", moving_frames(1))
    result = invoke(run.path, tmp_path / "in", "--overlay", tmp_path / "out")
    assert result.exit_code == 0
    assert "broken.mp4: skipped" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["one.mp4"]


def test_networks_without_motion_show_only_the_answer(make_run, videos, tmp_path):
    run = make_run(model="tsm_micro")
    list(predict_onto(run.path, videos[:1], tmp_path / "over.mp4"))
    assert probe(tmp_path / "over.mp4").frames == probe(videos[0]).frames


@pytest.mark.parametrize("size", [(72, 72), (100, 301), (240, 320), (1081, 1921)])
def test_overlays_have_a_bounded_size_with_even_sides(size):
    shown = viewable(np.zeros((*size, 3), np.uint8))
    assert 238 <= min(shown.shape[:2]) <= 720
    assert shown.shape[0] % 2 == shown.shape[1] % 2 == 0
    assert shown.shape[1] / shown.shape[0] == pytest.approx(size[1] / size[0], rel=0.02)


@pytest.mark.parametrize("label", ["a", "a very long name of a class " * 9, "左へ動く"])
def test_the_answer_fits_with_names_of_any_length(label):
    box = answer_box(Prediction(Path("a"), ((label, 1.0), ("b", 0.0))), width=240)
    assert box.shape[1] <= 240
    assert box.any()
