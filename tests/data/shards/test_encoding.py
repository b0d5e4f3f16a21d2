"""Clips are compressed in their own frames, sizes and numbers."""

import numpy as np
import pytest
from memory_clips import MemoryClip
from video_files import moving_frames

from pan_keras.clips.crops import resize_shorter_side
from pan_keras.clips.opencv_resizing import resize
from pan_keras.data.shards.encoding import ShardEncoding
from pan_keras.errors import UserError
from pan_keras.video.shard_record import ShardRecord

FRAMES = moving_frames(11, 96, 128)


class Damaged(MemoryClip):
    """A clip of which one frame is missing when it is read in order."""

    def iterate(self, transform):
        yield from map(transform, self.array[:-1])


def stored(clip, **options):
    content, _, _ = ShardEncoding(**options).record(clip)
    return ShardRecord("clip", content).read(range(len(clip)))


def clip_of(frames, kind=MemoryClip):
    return kind("clip", {"clip": frames})


@pytest.mark.parametrize("form", ["jpeg", "h264"])
def test_the_same_clip_gives_the_same_bytes(form):
    records = [ShardEncoding(form).record(clip_of(FRAMES))[0] for _ in range(2)]
    assert records[0] == records[1]


def test_a_longer_shorter_side_is_scaled_as_in_training():
    frames = stored(clip_of(FRAMES), short_side=48, quality=100)
    expected = np.stack([resize_shorter_side(frame, 48, resize) for frame in FRAMES])
    assert frames.shape == expected.shape == (11, 48, 64, 3)
    brightness = np.array([0.299, 0.587, 0.114])
    assert np.abs(frames @ brightness - expected @ brightness).mean() < 1


def test_frames_are_never_enlarged():
    assert stored(clip_of(FRAMES), short_side=256).shape == FRAMES.shape
    assert stored(clip_of(FRAMES), short_side=0).shape == FRAMES.shape


def test_lower_quality_takes_fewer_bytes():
    sizes = [len(ShardEncoding(quality=q).record(clip_of(FRAMES))[0]) for q in (95, 60)]
    sizes += [len(ShardEncoding("h264", crf=crf).record(clip_of(FRAMES))[0]) for crf in (18, 35)]
    assert sizes[0] > sizes[1]
    assert sizes[2] > sizes[3]


def test_a_clip_that_cannot_be_read_in_order_is_read_by_number():
    np.testing.assert_array_equal(stored(clip_of(FRAMES, Damaged)), stored(clip_of(FRAMES)))


def test_wrong_settings_are_refused():
    with pytest.raises(UserError, match="quality is 0; it must be 1 to 100"):
        ShardEncoding(quality=0)
    with pytest.raises(UserError, match="crf is 52; it must be 0 to 51"):
        ShardEncoding("h264", crf=52)
    with pytest.raises(UserError, match="quality belongs to shards of the format jpeg"):
        ShardEncoding("h264", quality=90)
    with pytest.raises(UserError, match="crf belongs to shards of the format h264"):
        ShardEncoding(crf=20)
    with pytest.raises(UserError, match="format: 'png' is not one of jpeg, h264"):
        ShardEncoding("png")
    with pytest.raises(UserError, match="short_side is 3; it must be 16 to 8192"):
        ShardEncoding(short_side=3)
