"""Written videos are valid, and appear atomically."""

import numpy as np
import pytest
from video_files import every_frame, moving_frames

from pan_keras.video import iterate_frames, probe
from pan_keras.video.writer import writing_video


def write(path, frames, rate=25):
    with writing_video(path, rate) as write_frame:
        for frame in frames:
            write_frame(frame)
    return path


@pytest.mark.parametrize("rate", [10, 29.97002997, 12.5])
def test_frames_come_back_at_their_rate(tmp_path, rate):
    frames = moving_frames(12)
    path = write(tmp_path / "moving.mp4", frames, rate)
    info = probe(path)
    assert (info.frames, info.height, info.width) == (12, 48, 64)
    assert info.rate == pytest.approx(rate, rel=1e-3)
    assert np.abs(every_frame(path).astype(int) - frames).mean() < 12


def test_frames_are_iterated_in_order(tmp_path):
    path = write(tmp_path / "moving.mp4", moving_frames(30))
    found = list(iterate_frames(path, transform=lambda frame: frame[:24]))
    np.testing.assert_array_equal(np.stack(found), every_frame(path)[:, :24])


def test_an_incomplete_video_is_not_left_behind(tmp_path):
    path = tmp_path / "moving.mp4"
    with pytest.raises(RuntimeError), writing_video(path, 25) as write_frame:
        write_frame(moving_frames(1)[0])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
