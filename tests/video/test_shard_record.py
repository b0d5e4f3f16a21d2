"""A record gives back the frames of its clip, and refuses what is no record."""

import cv2
import numpy as np
import pytest
from video_files import moving_frames, write_frames

from pan_keras.data.shards.encoding import ShardEncoding
from pan_keras.video import BrokenVideo, frame_source
from pan_keras.video.shard_record import COMPRESSIONS, ShardRecord, pack_record

# Smooth, since the colours of hard edges are subsampled.
FRAMES = np.stack([cv2.GaussianBlur(frame, (0, 0), 4) for frame in moving_frames(21, 50, 67)])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return frame_source(write_frames(tmp_path_factory.mktemp("clips") / "clip", FRAMES))


@pytest.fixture(scope="module", params=["jpeg", "h264"])
def record(request, source):
    content, count, size = ShardEncoding(request.param).record(source)
    assert (count, size) == (21, (67, 50))
    return ShardRecord(source.path, content)


def test_frames_are_those_of_the_clip_but_for_the_compression(record):
    frames = record.read(range(21))
    assert frames.shape == FRAMES.shape
    assert frames.dtype == np.uint8
    error = np.abs(frames.astype(int) - FRAMES).mean(axis=(1, 2, 3))
    assert error.max() < 4
    # Every frame is nearer to its own original than to any other.
    distances = [[np.abs(frame.astype(int) - other).mean() for other in FRAMES] for frame in frames]
    assert [int(np.argmin(row)) for row in distances] == list(range(21))


@pytest.mark.parametrize("wanted", [[0], [20], [7, 8], [19, 3, 3, 16], [9, 10, 11, 12], [15, 17]])
def test_pixels_do_not_depend_on_what_else_is_read(record, wanted):
    every = record.read(range(21))
    np.testing.assert_array_equal(record.read(wanted), every[wanted])


def test_iterating_gives_all_frames_in_order(record):
    every = list(record.iterate(lambda frame: frame[:10]))
    np.testing.assert_array_equal(every, record.read(range(21))[:, :10])


def test_a_transform_sees_single_frames(record):
    halves = record.read([4, 2], lambda frame: frame[::2])
    np.testing.assert_array_equal(halves, record.read([4, 2])[:, ::2])


def test_what_is_no_record_is_refused(source):
    content, _, _ = ShardEncoding().record(source)
    for damaged in (b"", content[:10], content[:-1], b"X" + content[1:], content + b"1"):
        with pytest.raises(BrokenVideo, match="its record is damaged"):
            ShardRecord(source.path, damaged)
    huge = pack_record(COMPRESSIONS["jpeg"], (2**20, 2**20), [b"frame"])
    with pytest.raises(BrokenVideo, match="pixels, more than the limit"):
        ShardRecord(source.path, huge)


@pytest.mark.parametrize("form", sorted(COMPRESSIONS))
def test_a_frame_that_cannot_be_decoded_is_named(source, form):
    record = ShardRecord(source.path, pack_record(COMPRESSIONS[form], (67, 50), [b"no frame"] * 3))
    with pytest.raises(BrokenVideo, match=r"its record is damaged \(frame [0-2] cannot be decoded"):
        record.read([2])
