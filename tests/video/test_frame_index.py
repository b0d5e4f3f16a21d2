"""The frame index counts what is there and seeks only where that saves decoding."""

import os

import numpy as np
import pytest
from video_files import moving_frames, write_video

from pan_keras.video import BrokenVideo
from pan_keras.video.frame_index import Run, frame_index


@pytest.fixture
def index(tmp_path):
    return frame_index(write_video(tmp_path / "clip.mp4", moving_frames(60), g=20, bf=0))


def test_frames_are_counted_and_timed(index):
    assert len(index) == 60
    assert index.timed
    assert index.rate == pytest.approx(25)
    assert (np.diff(index.times) > 0).all()
    assert index.keys.tolist() == [0, 20, 40]


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        ([0, 1, 2], [Run(0, (0, 1, 2))]),
        ([5, 12], [Run(0, (5, 12))]),
        ([45], [Run(40, (45,))]),
        ([3, 45, 59], [Run(0, (3,)), Run(40, (45, 59))]),
        ([3, 25, 45], [Run(0, (3,)), Run(20, (25,)), Run(40, (45,))]),
        # From frame 15 it is quicker to decode on to the next key frame than to seek.
        ([15, 25], [Run(0, (15, 25))]),
    ],
)
def test_a_seek_is_made_where_it_saves_decoding(wanted, runs, index):
    assert index.runs(wanted) == runs


def test_a_stream_without_times_is_read_from_its_start(tmp_path):
    path = write_video(tmp_path / "clip.h264", moving_frames(30), g=5)
    index = frame_index(path)
    assert len(index) == 30
    assert not index.timed
    assert index.runs([29]) == [Run(0, (29,))]


def test_an_index_is_remembered_until_the_file_changes(tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving_frames(10))
    assert frame_index(path) is frame_index(str(path))
    write_video(path, moving_frames(12))
    os.utime(path, ns=(1, 1))
    assert len(frame_index(path)) == 12
    path.unlink()
    with pytest.raises(BrokenVideo, match="there is no such file"):
        frame_index(path)
