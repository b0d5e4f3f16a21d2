"""Files with arbitrary names and headers are read or refused with a user error."""

import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from video_files import FIELD, every_frame, moving_frames, needs_field, number_of, write_video

from pan_keras.video import BrokenVideo, container, iterate_frames, probe, read_frames
from pan_keras.video.container import OpenVideo, Reading, SlowVideo
from pan_keras.video.folder_tree import VIDEO_SUFFIXES

OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture
def clip(tmp_path):
    return write_video(tmp_path / "clip.mp4", moving_frames(30), bf=2, g=10)


NAMES = [
    "2024-01-01T12:30:05.mp4",
    "-x.mp4",
    "100%.mp4",
    "wave_%02d.mp4",
    "a#b?c.mp4",
    "two words.mp4",
    "two\nlines.mp4",
    "http:x.mp4",
    "concat:a|b.mp4",
    "subfile,,start,0,end,0,,:x.mp4",
    "*.mp4",
    "ünï.mp4",
    os.fsdecode(b"\xff\xfe.mp4"),
]


@pytest.mark.parametrize("name", NAMES)
def test_file_names_are_not_interpreted(name, clip, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    clip.rename(tmp_path / "other" / name)
    monkeypatch.chdir(tmp_path / "other")
    assert probe(name).frames == 30
    assert probe(f"./{name}").frames == 30
    assert read_frames(name, [25]).shape == (1, 48, 64, 3)


def test_an_animated_picture_named_like_a_pattern_is_read(tmp_path):
    path = write_video(tmp_path / "clip.gif", moving_frames(8), "gif", "rgb8")
    expected = every_frame(path)
    path = path.rename(tmp_path / "wave_%d.gif")
    np.testing.assert_array_equal(read_frames(path, [5, 0]), expected[[5, 0]])


def test_an_animated_picture_with_transparency_is_read(tmp_path):
    pictures = pytest.importorskip("PIL.Image")
    frames = []
    for number in range(6):
        picture = pictures.new("RGBA", (40, 30), (0, 0, 0, 0))
        picture.paste((250, 10, 10, 255), (5 * number, 5, 5 * number + 10, 15))
        frames.append(picture)
    path = tmp_path / "clip.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], disposal=2, duration=50)
    assert probe(path).frames == 6
    shown = read_frames(path, range(6))
    np.testing.assert_array_equal(shown, every_frame(path))
    for number in range(6):
        red = (shown[number, :, :, 0] > 200) & (shown[number, :, :, 1] < 50)
        assert red.sum() == 100
        assert red[5:15, 5 * number : 5 * number + 10].all()


# Container, encoder and pixel format, and the usual file extensions.
FORMATS = {
    ("mp4", "libx264", "yuv420p"): "mp4 m4v mov qt 3gp 3g2 f4v",
    ("mov", "jpeg2000", "yuv444p"): "mj2",
    ("avi", "mpeg4", "yuv420p"): "avi divx",
    ("matroska", "libx264", "yuv420p"): "mkv",
    ("webm", "libvpx", "yuv420p"): "webm",
    ("mpeg", "mpeg2video", "yuv420p"): "mpg mpeg mpe vob",
    ("mpeg2video", "mpeg2video", "yuv420p"): "mpv m2v",
    ("mpeg1video", "mpeg1video", "yuv420p"): "m1v",
    ("mpegts", "libx264", "yuv420p"): "ts mts m2ts m2t tp",
    ("asf", "wmv2", "yuv420p"): "wmv asf",
    ("flv", "flv", "yuv420p"): "flv",
    ("ogv", "libvpx", "yuv420p"): "ogv",
    ("ogg", "libvpx", "yuv420p"): "ogm",
    ("mxf", "mpeg2video", "yuv422p"): "mxf",
    ("gif", "gif", "rgb8"): "gif",
    ("yuv4mpegpipe", "wrapped_avframe", "yuv420p"): "y4m",
    ("rm", "rv20", "yuv420p"): "rm rmvb",
    ("wtv", "mpeg2video", "yuv420p"): "wtv",
    ("h264", "libx264", "yuv420p"): "h264 264",
    ("hevc", "libx265", "yuv420p"): "hevc h265 265",
    ("ivf", "libvpx", "yuv420p"): "ivf",
    ("mjpeg", "mjpeg", "yuvj420p"): "mjpeg mjpg",
    ("nut", "libx264", "yuv420p"): "nut",
    ("dv", "dvvideo", "yuv420p"): "dv",
}
ENDINGS = [
    pytest.param(*kind, ending, id=ending)
    for kind, endings in FORMATS.items()
    for ending in endings.split()
]


@pytest.mark.parametrize(("format_", "encoder", "pixels", "ending"), ENDINGS)
def test_each_ending_of_a_video_is_read(format_, encoder, pixels, ending, tmp_path):
    height, width = (576, 720) if format_ == "dv" else (144, 176)
    frames = moving_frames(6, height, width)
    path = tmp_path / f"CLIP.{ending.upper()}"
    write_video(path, frames, encoder, pixels, format_=format_)
    np.testing.assert_array_equal(read_frames(path, [5, 1]), every_frame(path)[[5, 1]])


def test_every_ending_is_tried():
    assert {f".{param.id}" for param in ENDINGS} == VIDEO_SUFFIXES


LISTS = {
    "concat.mp4": "ffconcat version 1.0\nfile neighbour.mp4\n",
    "hls.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2.4,\nneighbour.mp4\n#EXT-X-ENDLIST\n",
    "playlist.m3u8": "#EXTM3U\n#EXTINF:2,\nneighbour.mp4\n#EXT-X-ENDLIST\n",
    "dash.mp4": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>neighbour.mp4</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "session.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "imf.mp4": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/'
    '2067-3/2013"><Id>neighbour.mp4</Id></CompositionPlaylist>',
    "avisynth.avs": 'AviSource("neighbour.mp4")\n',
}


@pytest.fixture
def lists(clip, tmp_path):
    shutil.copy(clip, tmp_path / "neighbour.mp4")
    for name, text in LISTS.items():
        (tmp_path / name).write_text(text.replace("neighbour", str(tmp_path / "neighbour")))
    return tmp_path


@pytest.mark.parametrize("name", LISTS)
def test_a_playlist_is_refused(name, lists):
    start = time.monotonic()
    with pytest.raises(BrokenVideo, match="cannot be read as video"):
        probe(lists / name)
    assert time.monotonic() - start < 5


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_playlist_opens_no_other_file(lists):
    names = [str(lists / name) for name in LISTS]
    code = (
        "import sys\nfrom pan_keras.video import BrokenVideo, probe\n"
        "for name in sys.argv[1:]:\n    try: probe(name)\n    except BrokenVideo: pass\n"
    )
    log = lists / "log"
    subprocess.run(
        ["strace", "-f", "-e", "trace=open,openat", "-o", log, sys.executable, "-c", code, *names],
        check=True,
        timeout=120,
    )
    opened = log.read_text()
    assert "concat.mp4" in opened
    assert "neighbour" not in opened


@needs_field
def test_files_from_the_field_are_read_or_refused():
    with pytest.raises(BrokenVideo, match="cannot be read as video"):
        probe(FIELD / "concat" / "poses_as_video.mp4")
    with pytest.raises(BrokenVideo, match="16384x1 pixels"):
        probe(FIELD / "one_row_16384_columns.mkv")
    assert probe(FIELD / "2024-01-01T12:30:05.mp4").frames == 24
    asked = [36, 39, 42, 45, 48]
    assert [number_of(f) for f in read_frames(FIELD / "mpeg_ps_60_frames.mpg", asked)] == asked


@pytest.mark.parametrize(("height", "width"), [(1, 16384), (16384, 1), (33 * 2, 2)])
def test_thin_frames_are_refused_before_they_are_decoded(height, width, tmp_path, monkeypatch):
    frames = np.zeros((2, height, width, 3), np.uint8)
    path = write_video(tmp_path / "clip.mov", frames, "png", "rgb24")
    monkeypatch.setattr(OpenVideo, "decode", None)
    with pytest.raises(BrokenVideo, match=f"{width}x{height} pixels.*more than 32 times"):
        probe(path)


def test_huge_frames_are_refused_before_they_are_decoded(clip, monkeypatch):
    monkeypatch.setattr(container, "MAX_PIXELS", 64 * 48 - 1)
    monkeypatch.setattr(OpenVideo, "decode", None)
    with pytest.raises(BrokenVideo, match="64x48 pixels, more than the limit of 3071"):
        probe(clip)


def test_frames_that_grow_midway_are_refused_by_the_decoder(tmp_path, monkeypatch):
    path = two_sizes(tmp_path / "clip.h264", (48, 64), (480, 640))
    monkeypatch.setattr(container, "MAX_PIXELS", 10_000)
    assert probe(path).frames == 20
    np.testing.assert_array_equal(read_frames(path, [15]), read_frames(path, [9]))


def two_sizes(path, *sizes):
    """A stream that changes its size midway."""
    parts = [
        write_video(path.with_name(f"{height}.h264"), moving_frames(10, height, width), bf=0)
        for height, width in sizes
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def test_frames_have_the_size_of_the_first_whichever_are_asked_for(tmp_path):
    path = two_sizes(tmp_path / "clip.h264", (48, 64), (96, 80))
    whole = read_frames(path, range(20))
    assert whole.shape == (20, 48, 64, 3)
    np.testing.assert_array_equal(read_frames(path, [15]), whole[[15]])


def test_a_stream_that_turns_thin_midway_is_refused(tmp_path):
    path = two_sizes(tmp_path / "clip.h264", (48, 64), (16, 640))
    with pytest.raises(BrokenVideo, match="640x16"):
        read_frames(path, [0, 15])


class Clock:
    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(container.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_the_limit_is_for_a_step_and_not_for_the_whole(clip, clock, monkeypatch):
    decode = OpenVideo.decode

    def slow(video, packet, **how):
        with video.reading:
            clock.now += 0.9
        return decode(video, packet, **how)

    monkeypatch.setattr(OpenVideo, "decode", slow)
    monkeypatch.setattr(container, "BYTES_PER_TIMEOUT", 10)
    assert len(read_frames(clip, range(30), timeout=1)) == 30


def test_a_step_that_takes_too_long_is_aborted(clip, clock, monkeypatch):
    def slow(video, packet, **_):
        with video.reading:
            clock.now += 1.1
        return []

    monkeypatch.setattr(OpenVideo, "decode", slow)
    with pytest.raises(SlowVideo, match="takes longer than 1 s to read") as caught:
        read_frames(clip, range(30), timeout=1)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), SlowVideo)


def test_the_total_time_is_limited(tmp_path, clock):
    reading = Reading(tmp_path, 1)
    with reading:
        clock.now += 0.6
    with pytest.raises(SlowVideo), reading:
        clock.now += 0.6


def test_processing_of_frames_does_not_count_as_reading_time(clip, clock):
    def slow(frame):
        clock.now += 100
        return frame

    assert len(read_frames(clip, range(30), timeout=1, transform=slow)) == 30
    assert sum(1 for _ in iterate_frames(clip, timeout=1, transform=slow)) == 30


@pytest.mark.parametrize(
    "fault", [ValueError, OSError, ZeroDivisionError, MemoryError, TimeoutError]
)
def test_an_exception_of_a_transform_is_not_hidden(fault, clip):
    def broken(frame):
        raise fault("of the transform")

    for read in (
        lambda: read_frames(clip, [3], transform=broken),
        lambda: list(iterate_frames(clip, transform=broken)),
    ):
        with pytest.raises(fault, match="of the transform"):
            read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_paths_without_a_file_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    pipe = tmp_path / "pipe.mp4"
    for path, kind in ((pipe, "not a regular file"), (tmp_path, "this folder holds no frames")):
        with pytest.raises(BrokenVideo, match=kind):
            probe(path)


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="this system does not list open files")
def test_files_are_closed(clip, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    before = len(list(OPEN_FILES.iterdir()))
    for _ in range(3):
        read_frames(clip, [3, 25])
        with pytest.raises(BrokenVideo):
            probe(tmp_path / "text.mp4")
        next(iterate_frames(clip, transform=lambda frame: frame))
    assert len(list(OPEN_FILES.iterdir())) == before
