"""Frames after a seek equal those of sequential decoding, for all containers and codecs."""

import itertools
import random
from dataclasses import dataclass

import av
import numpy as np
import pytest
from video_files import (
    REAL_VIDEOS,
    every_frame,
    needs_real_videos,
    number_of,
    numbered_frames,
    write_video,
)

from pan_keras.video import frame_index as index_module
from pan_keras.video import probe, read_frames
from pan_keras.video.container import OpenVideo
from pan_keras.video.frame_index import Run
from pan_keras.video.frame_reader import FrameReader
from pan_keras.video.packet_scan import frame_index

FRAMES = 60
FIXED = "keyint=30:scenecut=0:b-adapt=0"
QUIET = "log-level=none:pools=none:frame-threads=1"


@dataclass(frozen=True)
class Coding:
    encoder: str
    pixels: str
    options: dict


def coding(encoder, pixels="yuv420p", **options):
    return Coding(encoder, pixels, {key.replace("_", "-"): value for key, value in options.items()})


CODINGS = {
    "h264": coding("libx264", g=12, bf=0),
    "h264 B-frames": coding("libx264", g=12, bf=3),
    "h264 pyramid": coding("libx264", x264_params=f"bframes=7:b-pyramid=normal:ref=6:{FIXED}"),
    "h264 flat, temporal": coding(
        "libx264", x264_params=f"bframes=5:b-pyramid=none:direct=temporal:weightb=1:{FIXED}"
    ),
    "h264 interlaced": coding("libx264", x264_params=f"tff=1:bframes=3:{FIXED}"),
    "h264 one group": coding("libx264", g=250, bf=3, sc_threshold=0),
    "h264 all key": coding("libx264", g=1),
    "h264 open groups": coding("libx264", x264_params="open-gop=1:keyint=12:bframes=3:scenecut=0"),
    "h264 rolling refresh": coding("libx264", x264_params="intra-refresh=1:keyint=12:scenecut=0"),
    "hevc": coding("libx265", x265_params=f"keyint=12:bframes=3:open-gop=0:{QUIET}"),
    "hevc open groups": coding("libx265", x265_params=f"keyint=12:bframes=3:open-gop=1:{QUIET}"),
    "mpeg4": coding("mpeg4", g=12),
    "mpeg4 B-frames": coding("mpeg4", g=12, bf=2),
    "mpeg2": coding("mpeg2video", g=12),
    "mpeg2 B-frames": coding("mpeg2video", g=12, bf=2),
    "mpeg1": coding("mpeg1video", g=12),
    "vp8": coding("libvpx", g=12, lag_in_frames=16, auto_alt_ref=1),
    "vp9": coding("libvpx-vp9", g=12, lag_in_frames=16, auto_alt_ref=1, cpu_used=8),
    "av1": coding("libsvtav1", g=12, preset=12),
    "mjpeg": coding("mjpeg", "yuvj420p"),
    "prores": coding("prores", "yuv422p10le"),
    "flv1": coding("flv", g=12),
    "wmv2": coding("wmv2", g=12),
    "ffv1": coding("ffv1", g=4),
    "gif": coding("gif", "rgb8"),
}
H264 = [name for name in CODINGS if name.startswith("h264")]
HEVC = ["hevc", "hevc open groups"]
MPEG4 = ["mpeg4", "mpeg4 B-frames"]
MPEG2 = ["mpeg2", "mpeg2 B-frames", "mpeg1"]
CONTAINERS = {
    ".mp4": [*H264, *HEVC, *MPEG4, *MPEG2, "vp9", "av1", "mjpeg"],
    ".mov": ["h264 B-frames", "prores", "mjpeg"],
    ".m4v": MPEG4,
    ".3gp": MPEG4,
    ".3g2": ["h264 B-frames"],
    ".f4v": ["h264 B-frames"],
    ".mkv": [*H264, *HEVC, *MPEG4, *MPEG2, "vp8", "vp9", "prores", "ffv1", "mjpeg"],
    ".webm": ["vp8", "vp9", "av1"],
    ".avi": ["h264", "h264 B-frames", *MPEG4, *MPEG2, "vp8", "mjpeg", "flv1", "wmv2", "ffv1"],
    ".ts": [*H264, *HEVC, *MPEG4, *MPEG2],
    ".m2ts": ["h264 B-frames"],
    ".mts": ["h264 B-frames"],
    ".mpg": ["h264 B-frames", "hevc", *MPEG4, *MPEG2],
    ".vob": ["mpeg2 B-frames"],
    ".flv": [*H264, *HEVC, "flv1", "vp9"],
    ".wmv": ["h264", "h264 B-frames", *MPEG4, *MPEG2, "wmv2", "mjpeg"],
    ".asf": ["wmv2"],
    ".ogv": ["vp8"],
    ".mxf": ["h264", "h264 B-frames", "h264 all key", "mpeg2 B-frames", "prores"],
    ".gif": ["gif"],
    ".h264": ["h264 B-frames", "h264 open groups"],
    ".hevc": ["hevc open groups"],
    ".m2v": ["mpeg2 B-frames"],
    ".ivf": ["vp8", "vp9"],
    ".mjpeg": ["mjpeg"],
}
# Formats in which seeking must save decoding; in others only the frames are checked.
SOUGHT = {
    ".mp4": ["h264", "h264 B-frames", "h264 open groups", "hevc", "mpeg4 B-frames", "mpeg2", "vp9"],
    ".mkv": ["h264", "h264 B-frames", "h264 open groups", "hevc", "mpeg4 B-frames", "mpeg2", "vp8"],
    ".webm": ["vp8", "vp9"],
    ".ts": ["h264", "h264 B-frames", "h264 open groups", "hevc", "mpeg2 B-frames"],
    ".flv": ["h264 B-frames", "flv1"],
    ".avi": ["mpeg4", "mjpeg"],
}


def pairs(table):
    return [
        pytest.param(ending, name, id=f"{ending}-{name}")
        for ending, names in table.items()
        for name in names
    ]


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk")

    def make(ending, name):
        path = folder / f"{name}{ending}"
        if not path.exists():
            kind = CODINGS[name]
            write_video(path, numbered_frames(FRAMES), kind.encoder, kind.pixels, **kind.options)
        return path

    return make


@pytest.fixture
def decoded(monkeypatch):
    """Records the decoded packets."""
    packets = []
    decode = OpenVideo.decode

    def spy(video, packet, **how):
        packets.append(packet.size)
        return decode(video, packet, **how)

    monkeypatch.setattr(OpenVideo, "decode", spy)
    return packets


@pytest.mark.parametrize(("ending", "name"), pairs(CONTAINERS))
def test_frames_are_those_of_straight_decoding(ending, name, make):
    path = make(ending, name)
    expected = every_frame(path)
    assert probe(path).frames == len(expected) == FRAMES
    if name != "av1":
        assert [number_of(frame) for frame in expected] == list(range(FRAMES))
    rng = random.Random(0)
    for _ in range(6):
        asked = [rng.randrange(FRAMES) for _ in range(rng.choice([1, 2, 5]))]
        np.testing.assert_array_equal(read_frames(path, asked), expected[asked])


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("name", ["h264 pyramid", "h264 flat, temporal", "h264 interlaced"])
def test_frames_that_no_other_needs_are_skipped(ending, name, make, monkeypatch):
    path = make(ending, name)
    expected = every_frame(path)
    decode, shown = OpenVideo.decode, []

    def spy(video, packet, **how):
        frames = decode(video, packet, **how)
        shown.extend(frames or ())
        return frames

    monkeypatch.setattr(OpenVideo, "decode", spy)
    wanted = [3, 17, 18, 50]
    np.testing.assert_array_equal(read_frames(path, wanted), expected[wanted])
    skipping = len(shown)
    shown.clear()
    monkeypatch.setattr(FrameReader, "_times_without", lambda *_: frozenset())
    np.testing.assert_array_equal(read_frames(path, wanted), expected[wanted])
    assert skipping < 0.8 * len(shown)


def test_a_wanted_frame_that_was_skipped_is_decoded_after_all(make, monkeypatch):
    path = make(".mp4", "h264 B-frames")
    expected = every_frame(path)
    every = frozenset(frame_index(path).times.tolist())
    monkeypatch.setattr(FrameReader, "_times_without", lambda *_: every)
    for wanted in ([25, 26], [1, 2, 3], [59]):
        np.testing.assert_array_equal(read_frames(path, wanted), expected[wanted])


@pytest.mark.parametrize(("ending", "name"), pairs(SOUGHT))
def test_a_seek_saves_decoding(ending, name, make, decoded):
    path = make(ending, name)
    index = frame_index(path)
    key = int(index.keys[-1])
    read_frames(path, [key])
    # The key frame, and the frames that the decoder delays for reordering.
    assert len(decoded) <= 6
    for wanted in ([0, key], [key // 2], [0, key // 2, key]):
        decoded.clear()
        read_frames(path, wanted)
        assert len(decoded) <= int(index.packets[wanted[-1]]) + 6


@pytest.mark.parametrize(("ending", "name"), pairs(CONTAINERS))
def test_no_more_is_decoded_than_straight_through(ending, name, make, decoded, monkeypatch):
    path = make(ending, name)
    frame_index(path)
    for wanted in ([5, 15, 29, 43, 56], [20, 21, 22, 50, 51, 52], [13, 40], [25]):
        decoded.clear()
        read_frames(path, wanted)
        ours = len(decoded)
        decoded.clear()
        with monkeypatch.context() as patch:
            patch.setattr(index_module.FrameIndex, "runs", lambda _, w: [Run(0, tuple(w))])
            read_frames(path, wanted)
        # A wrongly marked key frame costs one failed seek.
        assert ours <= len(decoded) + (16 if name == "h264 rolling refresh" else 0)


def test_a_seek_to_the_wrong_position_is_detected(make, monkeypatch, decoded):
    path = make(".mkv", "mpeg4 B-frames")
    expected = every_frame(path)
    for offset in (-7, 7):
        monkeypatch.setattr(
            index_module.FrameIndex,
            "seek_time",
            lambda index, key, offset=offset: int(index.times[min(key + offset, FRAMES - 1)]),
        )
        np.testing.assert_array_equal(read_frames(path, [40, 41]), expected[[40, 41]])


def test_no_seek_is_tried_in_files_that_cannot_seek(make):
    index = frame_index(make(".mpg", "mpeg2 B-frames"))
    assert index.timed
    assert index.runs([40]) == [Run(0, (40,))]


def test_guessed_times_after_a_seek_are_detected(make, monkeypatch):
    path = make(".mkv", "mpeg4")
    index = frame_index(path)
    expected = every_frame(path)
    packets = OpenVideo.packets

    def guessed(video):
        seen = 0
        for number, packet in enumerate(packets(video)):
            if number == 0:
                seen = packet.pts
            elif packet.pts is not None and seen > index.times[0]:
                packet.pts += int(index.times[1] - index.times[0])
            yield packet

    monkeypatch.setattr(OpenVideo, "packets", guessed)
    np.testing.assert_array_equal(read_frames(path, [40, 42]), expected[[40, 42]])


def remuxed(source, path, change=lambda number, packet: packet):
    """Copies packets to another file; `change` may replace or drop them."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        number = 0
        for packet in old.demux(video=0):
            if packet.size:
                changed = change(number, packet)
                number += 1
                if changed is not None:
                    changed.stream = stream
                    new.mux(changed)
    return path


@pytest.mark.parametrize("ending", [".mp4", ".mov"])
def test_falsely_marked_key_frames_are_detected(ending, make, tmp_path):
    def call_key(_, packet):
        packet.is_keyframe = True
        return packet

    path = remuxed(make(".mp4", "mpeg4"), tmp_path / f"clip{ending}", call_key)
    assert len(frame_index(path).keys) == FRAMES
    np.testing.assert_array_equal(read_frames(path, [35]), every_frame(path)[[35]])


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        *itertools.product(
            ["hevc open groups", "mpeg2 B-frames", "h264 open groups"], [".mkv", ".mp4", ".ts"]
        ),
        ("hevc open groups", ".hevc"),
    ],
)
def test_a_file_that_begins_in_an_open_group_is_read(name, ending, make, tmp_path):
    source = make(".mkv" if ending in {".mkv", ".mp4"} else ".ts", name)
    second = int(frame_index(source).packets[frame_index(source).keys[2]])
    path = remuxed(source, tmp_path / f"cut{ending}", lambda n, p: p if n >= second else None)
    expected = every_frame(path)
    count = len(expected)
    assert probe(path).frames == count
    np.testing.assert_array_equal(read_frames(path, range(count)), expected)
    np.testing.assert_array_equal(read_frames(path, [count - 3, 1]), expected[[count - 3, 1]])


def test_a_transport_stream_cut_anywhere_is_read(make, tmp_path):
    path = tmp_path / "cut.ts"
    path.write_bytes(make(".ts", "mpeg2 B-frames").read_bytes()[188 * 60 :])
    with av.open(str(path)) as container:
        shown = []
        for packet in container.demux(video=0):
            try:
                shown += [frame.to_ndarray(format="rgb24") for frame in packet.decode()]
            except av.error.FFmpegError:
                continue
    assert 10 < len(shown) < FRAMES
    assert probe(path).frames == len(shown)
    np.testing.assert_array_equal(read_frames(path, range(len(shown))), np.stack(shown))


def test_reordered_frames_of_mpeg4_in_avi_are_counted_without_decoding(make, decoded):
    index = frame_index(make(".avi", "mpeg4 B-frames"))
    assert (len(index), index.timed) == (FRAMES, False)
    assert decoded == []


@needs_real_videos
def test_frames_that_share_a_packet_are_counted_without_decoding(decoded):
    """DivX and Xvid store a reordered frame in the previous packet, as in UCF101."""
    (video,) = (REAL_VIDEOS / "clips" / "ucf101").iterdir()
    assert len(frame_index(video)) == 164
    assert decoded == []
    assert len(every_frame(video)) == 164
