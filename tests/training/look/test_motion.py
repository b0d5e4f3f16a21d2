"""Motion is drawn beside its frames, at a scale that is stated and kept along the video."""

import json
from itertools import pairwise

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner
from video_files import every_frame, moving_frames, write_video

from pan_keras.cli import main
from pan_keras.data import probe
from pan_keras.errors import UserError
from pan_keras.training.look.motion import motion
from pan_keras.training.look.motion_cue import MotionCue, filter_bank
from pan_keras.training.look.pairs import chunks, scale_of


@pytest.fixture(scope="module")
def video(small_motions):
    return next((small_motions / "test" / "left").glob("*.mp4"))


def test_fixed_filters_see_edges_that_move_and_no_even_change_of_light():
    bank = filter_bank(7)
    assert bank.shape == (7, 7, 3, 8)
    np.testing.assert_allclose(bank.sum(axis=(0, 1)), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(bank.reshape(-1, 8), axis=0), 1)

    dark = np.full((40, 40, 3), 60, np.uint8)
    square, moved = dark.copy(), dark.copy()
    square[10:20, 10:20] = moved[10:20, 13:23] = 200
    pa = MotionCue()(np.stack([dark, dark + 40, square, moved]))
    assert pa.shape == (3, 40, 40)
    inside = pa[0, 8:-8, 8:-8]
    assert inside.max() < 1e-3, "an even change of light"
    assert pa[2, 12:18, 9:11].min() > 1, "an edge that left"
    assert pa[2, 30:, 30:].max() < 1e-3, "what stands still"


def test_motion_of_a_run_is_what_its_network_sees(run):
    model = run.load_model()
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (1, 4, 2, 24, 32, 3)).astype("uint8")
    seen = keras.ops.convert_to_numpy(model.intermediates(frames)["motion"])
    cue = MotionCue.of_run(run)
    for stack, expected in zip(frames[0], seen[0], strict=True):
        np.testing.assert_allclose(cue(stack)[0], expected[..., 0], rtol=1e-4, atol=1e-4)


def test_a_video_has_every_pair_at_its_rate(video, tmp_path):
    info = probe(video)
    result = motion(video, tmp_path / "motion.mp4")
    drawn = probe(tmp_path / "motion.mp4")
    assert result.pairs == drawn.frames == info.frames - 1
    assert drawn.rate == pytest.approx(info.rate, rel=1e-3)
    assert drawn.width > 3 * info.width
    assert result.frames_per_second > 0


def test_the_scale_stated_is_the_scale_drawn(tmp_path):
    still = np.repeat(moving_frames(1, 64, 64), 6, axis=0)
    path = write_video(tmp_path / "step.mp4", np.concatenate([still, moving_frames(6, 64, 64)]))
    result = motion(path, tmp_path / "step.png", size=64)
    picture = cv2.imread(str(tmp_path / "step.png"))
    assert result.pairs == 3
    assert (result.pa_scale, result.flow_scale) == tuple(
        float(f"{scale:.2g}") for scale in (result.pa_scale, result.flow_scale)
    )
    assert str(f"{result.pa_scale:g}") in result.to_text()
    # Frames and next frames on the left, PA and flow on the right: black where all stands still.
    first_row = picture[28 : 28 + 192]
    assert first_row[:, :192].mean() > 60
    assert first_row[:, -192:].mean() < 20


def test_a_scale_has_two_digits_and_is_rounded_up():
    assert scale_of(np.full(1000, 3.14)) == 3.2
    assert scale_of(np.full(1000, 0.02)) == 0.02
    assert scale_of(np.full(1000, 123.0)) == 130.0
    assert scale_of(np.zeros(10)) == 1.0
    assert scale_of(np.r_[np.ones(999), 50.0]) == 1.0, "two in a thousand may lie outside"


def test_chunks_hold_every_pair_once():
    frames = [np.full((1, 1, 3), number) for number in range(40)]
    pairs = [
        (int(a[0, 0, 0]), int(b[0, 0, 0])) for chunk in chunks(frames) for a, b in pairwise(chunk)
    ]
    assert pairs == [(number, number + 1) for number in range(39)]


def test_odd_sizes_and_vertical_videos_can_be_drawn(tmp_path):
    frames = moving_frames(5, height=70, width=38)
    path = write_video(tmp_path / "tall.mp4", frames)
    motion(path, tmp_path / "motion.mp4", size=37)
    assert len(every_frame(tmp_path / "motion.mp4")) == 4


def test_mistakes_are_named(video, run, make_run, tmp_path):
    one = write_video(tmp_path / "one.mp4", moving_frames(1))
    still = make_run(model="tsn_micro")
    for arguments, options, message in (
        ((video, "motion.gif"), {}, "ends in .mp4 or .png"),
        ((one, tmp_path / "a.png"), {}, "one frame alone"),
        ((tmp_path / "gone.mp4", tmp_path / "a.png"), {}, "no such file"),
        ((video, tmp_path / "a.png"), {"run": still.path}, "has no persistence of appearance"),
        ((video, tmp_path / "a.png"), {"flow": "fast"}, "none of dis, tvl1"),
    ):
        with pytest.raises(UserError, match=message):
            motion(*arguments, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.mp4"]


def test_command_prints_what_it_drew(video, run, tmp_path):
    output = tmp_path / "motion.png"
    arguments = ["motion", str(video), "-o", str(output), "--run", str(run.path), "--json"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["size"] == [32, 32]
    assert found["flow"] == "dis"
    assert "learnt" in found["filters"]
    assert output.is_file()
