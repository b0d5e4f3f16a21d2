"""Evaluation of timelines against ground truth."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from video_files import every_frame, write_video

from pan_keras.cli import main
from pan_keras.data.joining import join_clips
from pan_keras.errors import UserError
from pan_keras.evaluation.timelines import evaluate_timelines, read_truth
from pan_keras.inference import timeline
from pan_keras.metrics import Segment


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """Three colours, a second each, the middle one without an action."""
    folder = tmp_path_factory.mktemp("joined")
    for name, colour in (("a", (250, 20, 20)), ("b", (20, 20, 250)), ("c", (20, 250, 20))):
        write_video(folder / f"{name}.mp4", np.full((25, 48, 64, 3), colour, "uint8"))
    (folder / "plan.csv").write_text("path,label\na.mp4,down\nb.mp4,\nc.mp4,up\n")
    return join_clips(folder / "plan.csv", folder / "long.mp4", rate=25)


def test_joined_clips_are_where_the_ground_truth_says(joined):
    truth = read_truth(joined, ("down", "up"))
    video = joined.with_name("long.mp4")
    assert truth == {video: [Segment(0, 1, "down"), Segment(2, 3, "up")]}
    frames = np.stack(list(every_frame(video)))
    assert len(frames) == 75
    assert [int(frame.mean(axis=(0, 1)).argmax()) for frame in frames[[0, 24, 25, 49, 50]]] == [
        0, 0, 2, 2, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(("rate", "frames"), [(50, 50), (12.5, 13)])
def test_joined_clips_keep_their_speed_at_another_rate(tmp_path, rate, frames):
    write_video(tmp_path / "a.mp4", np.zeros((25, 48, 64, 3), "uint8"))
    (tmp_path / "plan.csv").write_text("path,label\na.mp4,x\n")
    truth = join_clips(tmp_path / "plan.csv", tmp_path / "long.mp4", rate=rate)
    assert sum(1 for _ in every_frame(tmp_path / "long.mp4")) == frames
    assert truth.read_text().splitlines()[1] == f"long.mp4,0.000,{frames / rate:.3f},x"


def test_the_scores_are_those_of_the_segments_of_the_timeline(bundle, joined):
    found = evaluate_timelines(bundle, joined)
    answered = timeline(bundle, joined.with_name("long.mp4"))
    assert found.videos == 1
    assert found.without_unknown.found == len(answered.segments(unknown=False))
    assert found.without_unknown.seconds == pytest.approx(3.0)
    assert found.without_unknown.truths == 2
    assert found.threshold is None


def test_the_command_prints_a_table_and_json(bundle, joined):
    result = CliRunner().invoke(main, ["evaluate", str(bundle), "--timeline", str(joined)])
    assert result.exit_code == 0, result.output
    assert "F1@0.25" in result.stdout
    assert "the model has no threshold" in result.stdout
    options = ["--timeline", str(joined), "--json"]
    record = json.loads(CliRunner().invoke(main, ["evaluate", str(bundle), *options]).stdout)
    assert record["with_unknown"]["f1"].keys() == {"0.1", "0.25", "0.5"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "needs the columns"),
        ("video,start\nlong.mp4,0\n", "needs the columns"),
        ("video,start,end,label\nlong.mp4,0,1,fly\n", "line 2: the model does not know"),
        ("video,start,end,label\nlong.mp4,1,1,up\n", "the start before the end"),
        ("video,start,end,label\nlong.mp4,a,1,up\n", "the start before the end"),
        ("video,start,end,label\nlong.mp4,0,inf,up\n", "the start before the end"),
        ("video,start,end,label\n,0,1,up\n", "names no video"),
        ("video,start,end,label\nnone.mp4,0,1,up\n", "none.mp4"),
    ],
)
def test_damaged_ground_truth_is_one_sentence(bundle, tmp_path, text, sentence):
    (tmp_path / "truth.csv").write_text(text)
    with pytest.raises(UserError, match=sentence):
        evaluate_timelines(bundle, tmp_path / "truth.csv")


def test_clips_of_other_sizes_are_not_joined(tmp_path):
    write_video(tmp_path / "a.mp4", np.zeros((5, 48, 64, 3), "uint8"))
    write_video(tmp_path / "b.mp4", np.zeros((5, 64, 64, 3), "uint8"))
    (tmp_path / "plan.csv").write_text("path,label\na.mp4,x\nb.mp4,x\n")
    with pytest.raises(UserError, match="join clips of one size"):
        join_clips(tmp_path / "plan.csv", tmp_path / "long.mp4")
    assert not (tmp_path / "long.mp4").exists()
