"""Files with arbitrary bytes are read or refused, within limits of time and memory."""

import itertools
import resource
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from video_files import moving_frames, write_video

from pan_keras.video import BrokenVideo, read_frames
from pan_keras.video.packet_scan import frame_index

VIDEOS = {
    ".mp4": ("libx264", "yuv420p", {"bf": 2, "g": 6}),
    ".mkv": ("libx264", "yuv420p", {"bf": 2, "g": 6}),
    ".webm": ("libvpx", "yuv420p", {"g": 6}),
    ".avi": ("mpeg4", "yuv420p", {"bf": 2, "g": 6}),
    ".ts": ("mpeg2video", "yuv420p", {"g": 6}),
    ".mpg": ("mpeg2video", "yuv420p", {"bf": 2, "g": 6}),
    ".flv": ("flv", "yuv420p", {"g": 6}),
    ".gif": ("gif", "rgb8", {}),
}
SECONDS = 20
KILOBYTES = 2**20  # memory limit for all examples of a container

# Positions as fractions of the file, mostly in its header or at its end, and bytes to write.
places = st.one_of(st.floats(0, 1), st.floats(0, 0.1), st.floats(0.9, 1))
writings = st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"\0" * 8, b"\xff" * 4]))
damages = st.lists(
    st.tuples(st.sampled_from(["write", "insert", "cut"]), places, writings), min_size=1, max_size=6
)


def damaged(content, damage):
    content = bytearray(content)
    for kind, share, writing in damage:
        place = int(share * len(content))
        if kind == "write":
            content[place : place + len(writing)] = writing
        elif kind == "insert":
            content[place:place] = writing
        else:
            del content[place : place + 16 * len(writing)]
    return bytes(content)


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return {
        ending: write_video(
            folder / f"clip{ending}", moving_frames(12), codec, pixels, **options
        ).read_bytes()
        for ending, (codec, pixels, options) in VIDEOS.items()
    }


@pytest.mark.parametrize("ending", VIDEOS)
def test_any_bytes_give_frames_or_a_user_error(ending, contents, tmp_path):
    outcomes, numbers = set(), itertools.count()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(damages)
    def check(damage):
        # A unique name, since frame indexes are cached by size and time.
        path = tmp_path / f"{next(numbers)}{ending}"
        path.write_bytes(damaged(contents[ending], damage))
        start = time.monotonic()
        try:
            count = len(frame_index(path))
            frames = read_frames(path, [0, count // 2, count - 1])
        except BrokenVideo as error:
            assert str(path) in str(error)
            outcomes.add("refused")
        else:
            assert frames.shape[0] == 3
            assert frames.dtype == np.uint8
            outcomes.add("read")
        assert time.monotonic() - start < SECONDS

    check()
    assert "read" in outcomes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES
