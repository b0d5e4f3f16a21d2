"""Motion drawings show all pairs of adjacent frames, with PA and flow."""

import json
from itertools import pairwise

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner
from video_files import every_frame, moving_frames, write_video

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.reports.frame_pairs import chunks
from pan_keras.reports.motion import draw_motion, learnt_cue
from pan_keras.video import probe


def test_chunks_hold_every_pair_once():
    frames = [np.full((1, 1, 3), number) for number in range(40)]
    pairs = [
        (int(a[0, 0, 0]), int(b[0, 0, 0])) for chunk in chunks(frames) for a, b in pairwise(chunk)
    ]
    assert pairs == [(number, number + 1) for number in range(39)]


@pytest.fixture(scope="module")
def video(small_motions):
    return next((small_motions / "test" / "left").glob("*.mp4"))


def test_motion_of_a_run_is_that_of_its_network(run):
    model = run.load_model()
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (1, 4, 2, 24, 32, 3)).astype("uint8")
    seen = keras.ops.convert_to_numpy(model.intermediates(frames)["motion"])
    cue = learnt_cue(run)
    for stack, expected in zip(frames[0], seen[0], strict=True):
        np.testing.assert_allclose(cue(stack)[0], expected[..., 0], rtol=1e-4, atol=1e-4)


def test_a_video_has_every_pair_at_its_rate(video, tmp_path):
    info = probe(video)
    result = draw_motion(video, tmp_path / "motion.mp4")
    drawn = probe(tmp_path / "motion.mp4")
    assert result.pairs == drawn.frames == info.frames - 1
    assert drawn.rate == pytest.approx(info.rate, rel=1e-3)
    assert drawn.width > 3 * info.width
    assert result.frames_per_second > 0


def test_the_scale_stated_is_the_scale_drawn(tmp_path):
    still = np.repeat(moving_frames(1, 64, 64), 6, axis=0)
    path = write_video(tmp_path / "step.mp4", np.concatenate([still, moving_frames(6, 64, 64)]))
    result = draw_motion(path, tmp_path / "step.png", size=64)
    picture = cv2.imread(str(tmp_path / "step.png"))
    assert result.pairs == 3
    assert (result.pa_scale, result.flow_scale) == tuple(
        float(f"{scale:.2g}") for scale in (result.pa_scale, result.flow_scale)
    )
    assert str(f"{result.pa_scale:g}") in result.to_text()
    # Both frames on the left, PA and flow on the right: black for a still video.
    first_row = picture[28 : 28 + 192]
    assert first_row[:, :192].mean() > 60
    assert first_row[:, -192:].mean() < 20


def test_odd_sizes_and_vertical_videos_can_be_drawn(tmp_path):
    frames = moving_frames(5, height=70, width=38)
    path = write_video(tmp_path / "tall.mp4", frames)
    draw_motion(path, tmp_path / "motion.mp4", size=37)
    assert len(every_frame(tmp_path / "motion.mp4")) == 4


def test_user_errors_are_named(video, run, make_run, tmp_path):
    one = write_video(tmp_path / "one.mp4", moving_frames(1))
    still = make_run(model="tsn_micro")
    for arguments, options, message in (
        ((video, "motion.gif"), {}, "ends in .mp4 or .png"),
        ((one, tmp_path / "a.png"), {}, "only one frame"),
        ((tmp_path / "gone.mp4", tmp_path / "a.png"), {}, "no such file"),
        ((video, tmp_path / "a.png"), {"run": still.path}, "has no persistence of appearance"),
        ((video, tmp_path / "a.png"), {"flow": "fast"}, "not one of tvl1, farneback, dis_"),
    ):
        with pytest.raises(UserError, match=message):
            draw_motion(*arguments, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.mp4"]


def test_command_prints_what_it_drew(video, run, tmp_path):
    output = tmp_path / "motion.png"
    arguments = ["motion", str(video), "-o", str(output), "--run", str(run.path), "--json"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["size"] == [32, 32]
    assert found["flow"] == "dis_medium"
    assert "learnt" in found["filters"]
    assert output.is_file()
