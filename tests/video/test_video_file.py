"""Frames read by number are those that a player shows at that position."""

import av
import numpy as np
import pytest
from video_files import REAL_VIDEOS, every_frame, moving_frames, needs_real_videos, write_video

from pan_keras.video import BrokenVideo, container, probe, read_frames

REAL_CLIPS = sorted(p.relative_to(REAL_VIDEOS) for p in (REAL_VIDEOS / "clips").rglob("*.*"))

# file ending, codec, pixel format, height, width, options of the encoder
KINDS = {
    "h264 with B-frames": (".mp4", "libx264", "yuv420p", 48, 64, {"bf": 3, "g": 12}),
    "h264 with open groups": (
        ".mkv",
        "libx264",
        "yuv420p",
        48,
        64,
        {"x264-params": "open-gop=1:keyint=10:bframes=3:log-level=0"},
    ),
    "h264 with a key frame every second frame": (".mp4", "libx264", "yuv420p", 48, 64, {"g": 2}),
    "odd sides": (".mp4", "libx264", "yuv444p", 47, 63, {}),
    "odd sides, BGRA": (".mkv", "ffv1", "bgra", 33, 41, {}),
    "10 bits": (".mkv", "libx264", "yuv420p10le", 48, 64, {}),
    "grey": (".mkv", "ffv1", "gray", 48, 64, {}),
    "grey, 10 bits": (".mkv", "ffv1", "gray10le", 47, 63, {}),
    "alpha, YUV": (".mkv", "ffv1", "yuva420p", 48, 64, {}),
    "alpha, RGB": (".mov", "png", "rgba", 47, 63, {}),
    "VP9 with alpha": (".webm", "libvpx-vp9", "yuva420p", 48, 64, {"cpu-used": 8}),
    "full range": (".avi", "mjpeg", "yuvj420p", 47, 63, {}),
    "AVI with B-frames": (".avi", "mpeg4", "yuv420p", 48, 64, {"bf": 2, "g": 12}),
    "AVI without B-frames": (".avi", "mpeg4", "yuv420p", 48, 64, {"g": 12}),
    "no container": (".h264", "libx264", "yuv420p", 48, 64, {"bf": 3}),
    "transport stream": (".ts", "libx264", "yuv420p", 48, 64, {"bf": 3, "g": 10}),
}


@pytest.fixture
def clip(tmp_path):
    return write_video(tmp_path / "clip.mp4", moving_frames(60), bf=3, g=12)


def check_against_player(path, seed=0):
    expected = every_frame(path)
    count = len(expected)
    assert probe(path).frames == count
    np.testing.assert_array_equal(read_frames(path, range(count)), expected)
    rng = np.random.default_rng(seed)
    for asked in ([count - 1], [count // 2], *rng.integers(0, count, (4, 5))):
        np.testing.assert_array_equal(read_frames(path, asked), expected[asked])


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_those_of_a_player(kind, tmp_path):
    ending, codec, pixels, height, width, options = KINDS[kind]
    frames = moving_frames(40, height, width)
    path = write_video(tmp_path / f"clip{ending}", frames, codec, pixels, **options)
    check_against_player(path)


@needs_real_videos
@pytest.mark.parametrize("name", REAL_CLIPS, ids=str)
def test_frames_of_real_videos_are_those_of_a_player(name):
    check_against_player(REAL_VIDEOS / name)


def test_lossless_rgb_is_read_exactly(tmp_path):
    frames = moving_frames(5, 33, 41)
    path = write_video(tmp_path / "clip.mkv", frames, "ffv1", "bgr0")
    np.testing.assert_array_equal(read_frames(path, range(5)), frames)


def test_frames_of_variable_rate_are_those_of_a_player(tmp_path):
    times = np.cumsum([1, 7, 1, 20, 3] * 8)
    path = write_video(tmp_path / "clip.mkv", moving_frames(40), times=times.tolist(), bf=3, g=10)
    check_against_player(path)
    assert probe(path).rate == pytest.approx(39 / ((times[-1] - times[0]) / 100), rel=1e-2)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_rotated_phone_videos_give_upright_frames(rotation, tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving_frames(6), rotation=rotation)
    turned = np.rot90(every_frame(path), rotation // 90, axes=(1, 2))
    np.testing.assert_array_equal(read_frames(path, range(6)), turned)
    info = probe(path)
    assert (info.height, info.width) == turned.shape[1:3]
    assert abs(info.rotation) == abs(rotation)


def test_a_wrong_frame_count_in_the_header_is_ignored(tmp_path):
    path = write_video(tmp_path / "clip.avi", moving_frames(20), "mpeg4")
    content = bytearray(path.read_bytes())
    # Total frames in the main header of an AVI, and the length in its stream header.
    for name, offset in ((b"avih", 8 + 16), (b"strh", 8 + 32)):
        place = content.index(name) + offset
        assert content[place : place + 4] == (20).to_bytes(4, "little")
        content[place : place + 4] = (7777).to_bytes(4, "little")
    path.write_bytes(content)
    assert probe(path).frames == 20
    check_against_player(path)


def test_a_video_of_one_frame_is_read(tmp_path):
    path = write_video(tmp_path / "clip.mp4", moving_frames(1))
    assert probe(path).frames == 1
    assert read_frames(path, [0, 0, 0]).shape == (3, 48, 64, 3)


def test_frames_come_in_the_order_asked_for_with_repeats(clip):
    expected = every_frame(clip)
    asked = [59, 3, 3, 40, 0]
    np.testing.assert_array_equal(read_frames(clip, asked), expected[asked])


def test_only_the_frames_asked_for_become_pixels(clip):
    seen = []
    read_frames(clip, [3, 58, 3], transform=lambda frame: seen.append(1) or frame)
    assert len(seen) == 2


def test_a_transform_is_applied_to_each_frame(clip):
    assert read_frames(clip, [0, 5], transform=lambda f: f[::2, ::4]).shape == (2, 24, 16, 3)


def test_a_frame_that_does_not_exist_is_an_error(clip):
    with pytest.raises(IndexError, match="of 60"):
        read_frames(clip, [60])


def destroy_packets(path, numbers):
    """Overwrites whole packets of a file, except their length fields, with a constant."""
    with av.open(str(path)) as container:
        spans = [(packet.pos, packet.size) for packet in container.demux(video=0)]
    content = bytearray(path.read_bytes())
    for number in numbers:
        place, size = spans[number]
        content[place + 4 : place + size] = b"\xff" * (size - 4)
    path.write_bytes(content)


@pytest.mark.parametrize("numbers", [[0], [20, 21, 22], [59]])
def test_a_frame_that_is_lost_is_replaced_by_the_nearest(clip, numbers):
    destroy_packets(clip, numbers)
    whole = read_frames(clip, range(60))
    assert len(whole) == 60
    for asked in ([0], [20, 21, 40], [58, 59]):
        np.testing.assert_array_equal(read_frames(clip, asked), whole[asked])


def test_lost_frames_repeat_their_neighbours(tmp_path):
    path = write_video(tmp_path / "clip.mov", moving_frames(9), "png", "rgb24")
    expected = every_frame(path)
    destroy_packets(path, [0, 4, 5])
    np.testing.assert_array_equal(
        read_frames(path, range(9)), expected[[1, 1, 2, 3, 3, 6, 6, 7, 8]]
    )


def sound_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def broken(kind, path):
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("not a video " * 100)
    elif kind == "folder":
        path.mkdir()
    elif kind == "sound":
        sound_only(path)
    elif kind == "no frame survives":
        write_video(path, moving_frames(6), g=1)
        destroy_packets(path, range(6))
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "the file is empty"),
        ("text", "cannot be read as video"),
        ("folder", "this folder holds no frames"),
        ("sound", "no video stream"),
        ("missing", "there is no such file"),
        ("no frame survives", "none of its frames can be decoded"),
    ],
)
def test_a_broken_file_is_named_with_the_reason_and_what_to_do(kind, reason, tmp_path):
    path = broken(kind, tmp_path / "clip.mp4")
    with pytest.raises(BrokenVideo, match=reason) as caught:
        probe(path)
    assert str(path) in str(caught.value)
    assert "replace this video or remove it" in str(caught.value)


def test_a_file_that_takes_too_long_is_aborted(clip):
    with pytest.raises(BrokenVideo, match="takes longer than 1e-06 s"):
        read_frames(clip, [0], timeout=1e-6)


def test_a_header_with_gigabyte_frames_is_refused(clip, monkeypatch):
    monkeypatch.setattr(container, "MAX_PIXELS", 1000)
    with pytest.raises(BrokenVideo, match="64x48 pixels"):
        probe(clip)


def test_libav_is_silent(tmp_path, capfd):
    path = write_video(tmp_path / "clip.mp4", moving_frames(30), g=10)
    destroy_packets(path, [11, 12])
    read_frames(path, [15])
    assert "Error" not in capfd.readouterr().err
