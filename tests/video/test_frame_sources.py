"""Custom frame sources need one class and one call."""

import numpy as np
import pytest
from memory_clips import MemoryClip
from video_files import moving_frames, write_frames, write_video

from pan_keras.video import frame_source, iterate_frames, probe, read_frames
from pan_keras.video.frame_folder import FrameFolder
from pan_keras.video.video_file import VideoFile


def test_the_kind_of_source_follows_from_the_path(tmp_path):
    video = write_video(tmp_path / "a.mp4", moving_frames(4))
    folder = write_frames(tmp_path / "b", moving_frames(4))
    assert isinstance(frame_source(video), VideoFile)
    assert isinstance(frame_source(str(folder)), FrameFolder)


@pytest.fixture
def clip(memory_clips):
    return memory_clips.add("shard.records/7", moving_frames(9))


def test_a_custom_source_is_read_like_any_other(clip):
    assert isinstance(frame_source(clip), MemoryClip)
    assert (probe(clip).frames, probe(clip).rate) == (9, 12)
    assert np.array_equal(read_frames(clip, [8, 0]), moving_frames(9)[[8, 0]])
    assert len(list(iterate_frames(clip, transform=np.array))) == 9
