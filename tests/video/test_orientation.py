"""Frames are rotated and mirrored according to the display matrix of a file."""

import numpy as np
import pytest
from video_files import FIELD, every_frame, moving_frames, needs_field, number_of, write_video

from pan_keras.video import probe, read_frames

# (a, b, c, d): a stored pixel (p, q) is shown at x = a p + c q, y = b p + d q, y pointing down.
# With the result of the matching ffmpeg filter (transpose as in Matlab).
ORIENTATIONS = {
    "as it is": ((1, 0, 0, 1), lambda f: f),
    "hflip": ((-1, 0, 0, 1), lambda f: f[:, ::-1]),
    "vflip": ((1, 0, 0, -1), lambda f: f[::-1]),
    "half turn": ((-1, 0, 0, -1), lambda f: f[::-1, ::-1]),
    "transpose": ((0, 1, 1, 0), lambda f: f.transpose(1, 0, 2)),
    "clockwise": ((0, 1, -1, 0), lambda f: f.transpose(1, 0, 2)[:, ::-1]),
    "counter-clockwise": ((0, -1, 1, 0), lambda f: f.transpose(1, 0, 2)[::-1]),
    "anti-transpose": ((0, -1, -1, 0), lambda f: f.transpose(1, 0, 2)[::-1, ::-1]),
}


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_all_eight_orientations_are_applied(name, ending, tmp_path):
    matrix, shown = ORIENTATIONS[name]
    path = write_video(tmp_path / f"clip{ending}", moving_frames(4), matrix=matrix)
    expected = np.stack([shown(frame) for frame in every_frame(path)])
    np.testing.assert_array_equal(read_frames(path, range(4)), expected)
    info = probe(path)
    assert (info.height, info.width) == expected.shape[1:3]
    assert info.mirrored == (matrix[0] * matrix[3] - matrix[1] * matrix[2] < 0)


@pytest.mark.parametrize(
    ("matrix", "turns"),
    [((0.98, -0.17, 0.17, 0.98), 0), ((0.17, -0.98, 0.98, 0.17), 1), ((0, 0, 0, 0), 0)],
)
def test_other_angles_are_rounded_to_quarter_turns(matrix, turns, tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving_frames(4), matrix=matrix)
    expected = np.rot90(every_frame(path), turns, axes=(1, 2))
    np.testing.assert_array_equal(read_frames(path, range(4)), expected)


@needs_field
def test_the_mirroring_of_a_front_camera_is_applied():
    frames = read_frames(FIELD / "mirrored_left_right.mp4", [5, 7, 59])
    assert [number_of(frame[:, ::-1]) for frame in frames] == [5, 7, 59]
