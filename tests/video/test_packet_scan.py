"""The packet scan does not count hidden frames."""

import av
import numpy as np
import pytest
from video_files import (
    FIELD,
    REAL_VIDEOS,
    every_frame,
    needs_field,
    needs_real_videos,
    number_of,
    numbered_frames,
    write_video,
)

from pan_keras.video import probe, read_frames
from pan_keras.video.packet_scan import shows

SHOWN = 0x10  # bit in the first byte of a VP8 packet


def hide(path, source, hidden):
    """Copies a VP8 video, turning some frames into hidden reference frames."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.size:
                data = bytearray(bytes(packet))
                if number in hidden:
                    data[0] &= ~SHOWN
                copy = av.Packet(bytes(data))
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, stream
                new.mux(copy)
    return path


@pytest.mark.parametrize("ending", [".webm", ".mkv"])
@pytest.mark.parametrize("hidden", [{3}, {5, 20, 33}])
def test_vp8_frames_for_reference_only_are_not_counted(hidden, ending, tmp_path):
    source = write_video(tmp_path / "all.webm", numbered_frames(40), "libvpx", g=12)
    path = hide(tmp_path / f"clip{ending}", source, hidden)
    expected = every_frame(path)
    assert probe(path).frames == len(expected) == 40 - len(hidden)
    np.testing.assert_array_equal(read_frames(path, range(len(expected))), expected)
    np.testing.assert_array_equal(read_frames(path, [30, 4]), expected[[30, 4]])


# First bytes of VP9 frames.
HIDDEN, VISIBLE, REPEATED = b"\x84\x49", b"\x86\x49\x83", b"\x88"
HIDDEN_OF_PROFILE_3, VISIBLE_OF_PROFILE_3 = b"\xb2\x49", b"\xb3\x49"


def superframe(*frames):
    mark = bytes([0b110_00_000 | len(frames) - 1])
    return b"".join(frames) + mark + bytes(map(len, frames)) + mark


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (HIDDEN, False),
        (VISIBLE, True),
        (REPEATED, True),
        (HIDDEN_OF_PROFILE_3, False),
        (VISIBLE_OF_PROFILE_3, True),
        (superframe(HIDDEN, VISIBLE), True),
        (superframe(HIDDEN, HIDDEN, VISIBLE), True),
        (HIDDEN + b"\xc1", False),  # ends like a superframe index without being one
    ],
)
def test_vp9_packets_with_a_shown_frame_are_recognised(data, shown):
    assert shows("vp9", av.Packet(data)) == shown


@needs_real_videos
def test_superframes_of_vp9_are_counted_once():
    path = REAL_VIDEOS / "clips" / "something_something" / "video_large.webm"
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert any(bytes(packet)[-1] >> 5 == 0b110 for packet in packets)
    assert all(shows("vp9", packet) for packet in packets)


@needs_field
def test_hidden_reference_frames_of_vp8_are_not_counted():
    path = FIELD / "vp8_60_frames.webm"
    assert probe(path).frames == 60
    assert [number_of(frame) for frame in read_frames(path, range(60))] == list(range(60))
    assert [number_of(frame) for frame in read_frames(path, [47, 12, 59])] == [47, 12, 59]
