"""The frame index counts frames, and plans seeks only where they save decoding."""

import os
import zlib
from contextlib import suppress
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from video_files import moving_frames, write_video

from pan_keras.video import BrokenVideo
from pan_keras.video.frame_index import FrameIndex, Run
from pan_keras.video.packet_scan import frame_index


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
        # From frame 15, decoding to the next key frame is faster than seeking.
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


FILES = {
    "reordered.mp4": {},
    "small groups.mp4": {"g": 5, "bf": 0},
    "stream.h264": {"g": 5},
    "reordered.ts": {"g": 12},
    "old.avi": {"codec": "mpeg4"},
    "web.webm": {"codec": "libvpx-vp9", "deadline": "realtime"},
}


@pytest.mark.parametrize("name", FILES)
def test_a_stored_index_is_the_same_index(name, tmp_path):
    index = frame_index(write_video(tmp_path / name, moving_frames(40), **FILES[name]))
    stored = index.to_bytes()
    found = FrameIndex.from_bytes(stored, most=10_000)
    for field in fields(FrameIndex):
        one, other = getattr(index, field.name), getattr(found, field.name)
        assert np.array_equal(one, other), field.name
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None), field.name
    assert len(stored) < 20 * 40


SHOWN = np.random.default_rng(0).permutation(50) * 512
STORED = FrameIndex(
    times=np.sort(SHOWN),
    packets=np.argsort(SHOWN).astype(np.int32),
    keys=np.array([0, 20]),
    seek_times=np.array([0, 20 * 512]),
    timed=True,
    rate=25.0,
    marks=np.stack([SHOWN, np.arange(50) + 7], axis=-1),
).to_bytes()


@given(st.data())
def test_a_damaged_index_is_refused_or_safe_to_use(data):
    content = bytearray(STORED)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with suppress(ValueError):
        index = FrameIndex.from_bytes(bytes(content), most=1000)
        assert 0 < len(index) <= 1000
        assert index.runs([0])[-1].targets == (0,)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40), st.floats())
def test_numbers_of_a_hostile_index_are_checked(numbers, rate):
    head = np.array([*numbers, *[0] * 5][:5], "<i8").tobytes() + np.float64(rate).tobytes()
    body = np.array(numbers[5:], "<i8").view(np.uint8).reshape(-1, 8).T.tobytes()
    with suppress(ValueError):
        index = FrameIndex.from_bytes(zlib.compress(head + body), most=1000)
        assert 0 < len(index) <= 1000
        index.runs([0, len(index) - 1] if len(index) > 1 else [0])


def test_an_index_that_would_fill_the_memory_is_refused():
    head = np.array([1, 2**40, 2**40, 0, 0], "<i8").tobytes() + bytes(8)
    with pytest.raises(ValueError, match="numbers are wrong"):
        FrameIndex.from_bytes(zlib.compress(head), most=2**20)
    bomb = np.array([1, 1000, 1000, 0, 0], "<i8").tobytes() + bytes(8) + bytes(2**24)
    with pytest.raises(ValueError, match="do not increase"):
        FrameIndex.from_bytes(zlib.compress(bomb), most=2**20)
