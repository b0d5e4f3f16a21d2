"""Live sources yield the newest segments, and raise the error that ended them."""

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress

import cv2
import numpy as np
import pytest
from video_files import write_video

from pan_keras.clips.live_window import LiveSampling, LiveWindow
from pan_keras.errors import UserError
from pan_keras.video import live_source
from pan_keras.video.live_readers import camera, check_source
from pan_keras.video.live_source import LiveSource


def window(segments=4, stack=1, rate=25.0, stride=1.0, transform=None):
    return LiveWindow(LiveSampling(segments, stack, rate, stride), transform)


def numbered(count, height=32, width=32):
    """Frames whose brightness is four times their number."""
    return np.stack([np.full((height, width, 3), 4 * i, np.uint8) for i in range(count)])


def numbers(frames):
    return [round(frame.mean() / 4) for frame in frames.reshape(-1, *frames.shape[-3:])]


@pytest.fixture
def recording(tmp_path):
    """Thirty frames in 1.2 seconds."""
    return str(write_video(tmp_path / "numbers.mp4", numbered(30), crf=1))


@contextmanager
def served(content, header=b"", cut=None, delay=0.0):
    """A local server that sends the same content to each client and closes the connection."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    listener.settimeout(20)
    calls = []

    def serve():
        with listener:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                calls.append(time.monotonic())
                with caller:
                    caller.settimeout(5)
                    try:
                        if header:
                            caller.recv(65536)
                        caller.sendall(header + content[:cut])
                        time.sleep(delay)
                    except OSError:
                        pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], calls
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture(scope="module")
def transport_stream(tmp_path_factory):
    path = tmp_path_factory.mktemp("ts") / "numbers.ts"
    return write_video(path, numbered(50), crf=1, g=5).read_bytes()


def test_windows_end_with_the_newest_segment_and_hold_adjacent_ones(recording):
    with LiveSource(recording, window=window()) as source:
        windows = list(source.windows())
    for seen in windows:
        found = numbers(seen.clip)
        assert found == list(range(found[0], found[0] + 4))
        assert seen.time == pytest.approx(found[-1] / 25, abs=1e-3)
    assert numbers(windows[0].clip) == [0, 1, 2, 3]
    assert numbers(windows[-1].clip)[-1] == 29


def test_a_slow_reader_drops_whole_segments_and_counts_them(recording):
    seen, dropped = set(), 0
    with LiveSource(recording, window=window()) as source:
        for each in source.windows():
            seen |= set(numbers(each.clip))
            dropped += each.dropped
            time.sleep(0.4)
    assert dropped > 0
    assert len(seen) + dropped == 30


@pytest.mark.parametrize("steps", [False, True])
def test_frames_dropped_before_the_first_window_are_counted(recording, steps):
    with LiveSource(recording, window=window()) as source:
        time.sleep(0.8)
        first = next(iter(source.windows(steps=steps)))
    taken = first.clip if not steps else np.stack([each.frames for each in first.segments])
    assert first.dropped == numbers(taken)[0] > 0


def test_steps_come_one_after_the_other_from_the_first(recording):
    with LiveSource(recording, window=window(stack=2, stride=3.0)) as source:
        steps = [segment for each in source.windows(steps=True) for segment in each.segments]
    assert [numbers(step.frames) for step in steps] == [[i, i + 1] for i in range(1, 29, 3)]
    assert [step.is_first for step in steps] == [True] + [False] * 9


def test_a_slow_reader_of_steps_gets_the_newest_and_counts_missing_ones(recording):
    seen, dropped = [], 0
    with LiveSource(recording, window=window(segments=2)) as source:
        for each in source.windows(steps=True):
            seen += [segment.number for segment in each.segments]
            dropped += each.dropped
            time.sleep(0.3)
    assert dropped > 0
    assert len(seen) + dropped == 30
    assert seen == sorted(set(seen))


def test_a_slow_reader_still_gets_the_start_of_the_source(monkeypatch):
    def fast(_):
        for number in range(20):
            yield number / 25, lambda: np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(live_source, "stream", fast)
    with LiveSource("any", window=window(segments=1)) as source:
        source._thread.join(5)
        (seen,) = source.windows(steps=True)
    assert [(segment.number, segment.is_first) for segment in seen.segments] == [(19, True)]


def test_a_recording_plays_at_its_own_speed(recording):
    start = time.monotonic()
    with LiveSource(recording, window=window()) as source:
        list(source.windows(every=0.2))
    assert 1.1 < time.monotonic() - start < 3


def test_faster_sources_are_thinned_evenly(recording):
    with LiveSource(recording, window=window(segments=5, rate=12.5)) as source:
        seen = next(source.windows())
    assert numbers(seen.clip) == [0, 2, 4, 6, 8]


def test_frames_without_a_rate_in_training_are_taken_as_they_come(recording):
    with LiveSource(recording, window=window(segments=30, rate=None)) as source:
        (seen,) = source.windows()
    assert numbers(seen.clip) == list(range(30))


@pytest.mark.parametrize("steps", [False, True])
def test_a_source_shorter_than_a_clip_is_answered_when_it_ends(tmp_path, steps):
    short = str(write_video(tmp_path / "short.mp4", numbered(6), crf=1))
    with LiveSource(short, window=window(segments=3, stack=2, stride=4.0)) as source:
        *_, seen = source.windows(steps=steps)
    assert numbers(seen.clip) == [0, 1, 2, 3, 4, 5]


def test_a_pipe_that_is_served_slowly_is_read_as_it_comes(tmp_path):
    content = write_video(tmp_path / "numbers.ts", numbered(30), crf=1, g=5).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def serve():
        with pipe.open("wb", buffering=0) as file:
            for start in range(0, len(content), 1880):
                file.write(content[start : start + 1880])
                time.sleep(0.02)

    server = threading.Thread(target=serve)
    server.start()
    with LiveSource(str(pipe), window=window()) as source:
        windows = list(source.windows())
    server.join()
    assert numbers(windows[-1].clip) == [26, 27, 28, 29]


def test_a_clock_that_is_set_back_does_not_stop_the_frames(monkeypatch):
    def restarted(_):
        for number in (100, 101, 102, 0, 1, 2):
            yield number / 25, lambda number=number: np.full((1, 1, 3), number, np.uint8)

    monkeypatch.setattr(live_source, "stream", restarted)
    with LiveSource("any", window=window(segments=6)) as source:
        (seen,) = source.windows()
    assert seen.clip[:, 0, 0, 0, 0].tolist() == [100, 101, 102, 0, 1, 2]


def test_leaving_stops_the_thread(recording):
    with LiveSource(recording, window=window()) as source:
        next(source.windows())
    assert not source._thread.is_alive()


@pytest.mark.parametrize(
    ("source", "message"),
    [("absent.mp4", "No such file"), ("97", "camera 97"), ("text", "cannot be read as video")],
)
def test_sources_that_cannot_be_opened_are_named(source, message, tmp_path, monkeypatch):
    (tmp_path / "text").write_text("no video")
    monkeypatch.chdir(tmp_path)
    with LiveSource(source, window=window()) as live, pytest.raises(UserError, match=message):
        list(live.windows())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent.mp4", "No such file"),
        ("97", "camera 97"),
        ("99999999999999999999", "camera 99999999999999999999"),
        ("text", "cannot be read as video"),
        ("empty.mp4", "empty"),
        (".", "a folder"),
        ("htp://camera/door", "htp is not a supported kind of address"),
        ("rtsp://", "names no host"),
        ("http://host:port/x", "not an address"),
        ("http://[::1/x", "not an address"),
        ("file:absent.mp4", "No such file"),
        ("a\0b", "No such file"),
    ],
)
def test_a_wrong_source_is_detected_at_once(source, message, tmp_path, monkeypatch):
    (tmp_path / "text").write_text("no video")
    (tmp_path / "empty.mp4").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        check_source(source)


@pytest.mark.parametrize(
    "source", ["rtsp://camera/door", "http://user:word@host:80/x.ts", "udp://@:1234", "pipe:0"]
)
def test_an_address_is_checked_without_connecting(source, monkeypatch):
    called = []
    monkeypatch.setattr("av.open", lambda *arguments, **options: called.append(arguments))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: called.append(arguments))
    check_source(source)
    assert called == []


def test_a_file_may_have_a_colon_in_its_name(tmp_path, monkeypatch):
    write_video(tmp_path / "a.mp4", numbered(4), crf=1).rename(tmp_path / "12:30:05.mp4")
    monkeypatch.chdir(tmp_path)
    with LiveSource("12:30:05.mp4", window=window()) as source:
        (seen,) = source.windows()
    assert numbers(seen.clip) == [0, 1, 2, 3]


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("x"), MemoryError()])
def test_an_exception_of_the_transform_ends_the_windows(recording, error):
    calls = []

    def transform(frame):
        calls.append(1)
        if len(calls) > 8:
            raise error
        return frame

    with (
        LiveSource(recording, window=window(transform=transform)) as source,
        pytest.raises(type(error)) as caught,
    ):
        list(source.windows())
    assert caught.value is error


def test_a_decoder_that_fails_ends_the_windows_with_one_sentence(monkeypatch):
    def breaks(_):
        for number in range(10):
            yield number / 25, lambda: np.zeros((1, 1, 3), np.uint8)
        raise UserError("it broke off")

    monkeypatch.setattr(live_source, "stream", breaks)
    found = []
    with LiveSource("any", window=window()) as source, pytest.raises(UserError, match="broke off"):
        found.extend(source.windows())
    assert found[-1].time == pytest.approx(9 / 25)


def test_a_silent_source_times_out(monkeypatch):
    release = threading.Event()

    def silent(_):
        release.wait(10)
        yield from ()

    monkeypatch.setattr(live_source, "stream", silent)
    monkeypatch.setattr(live_source, "SILENCE", 0.3)
    with (
        LiveSource("any", window=window()) as source,
        pytest.raises(UserError, match="no frames for"),
    ):
        try:
            list(source.windows())
        finally:
            release.set()


def test_a_dropped_stream_ends_with_a_sentence_without_its_password(transport_stream):
    with served(transport_stream, cut=len(transport_stream) // 2) as (port, calls):
        source = LiveSource(f"tcp://name:word@127.0.0.1:{port}", window=window())
        with source as live, pytest.raises(UserError, match="the connection ended") as caught:
            for seen in live.windows():
                assert seen.clip is not None
    assert "word" not in str(caught.value)
    assert len(calls) == 1


def test_a_dropped_stream_is_retried_as_often_as_requested(transport_stream):
    told, segments = [], []
    with served(transport_stream, cut=len(transport_stream) // 2) as (port, calls):
        source = LiveSource(
            f"tcp://127.0.0.1:{port}", window=window(stack=2), retry=2, tell=told.append
        )
        with source as live, pytest.raises(UserError, match="the connection ended"):
            for seen in live.windows(steps=True):
                segments += seen.segments
    assert len(calls) == 3
    assert [f"({number} of 2)" in line for number, line in enumerate(told, 1)] == [True, True]
    assert min(np.diff(calls)) > 0.4
    # The waits are longer than a clip, so no segment spans a cut.
    assert [step.is_first for step in segments].count(True) == 3
    assert [step.time for step in segments] == sorted(step.time for step in segments)


def test_a_truncated_http_response_counts_as_dropped(transport_stream):
    header = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nContent-Length: %d\r\n\r\n"
    header %= len(transport_stream)
    with served(transport_stream, header, len(transport_stream) // 2, 0.2) as (port, _):
        source = LiveSource(f"http://127.0.0.1:{port}/x.ts", window=window())
        with source as live, pytest.raises(UserError, match=f"http://127.0.0.1:{port}/x.ts"):
            list(live.windows())


def test_an_http_error_is_not_retried():
    told = []
    with served(b"", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as (port, _):
        source = LiveSource(
            f"http://127.0.0.1:{port}/x.ts", window=window(), retry=5, tell=told.append
        )
        with source as live, pytest.raises(UserError, match="404"):
            list(live.windows())
    assert told == []


def test_a_refused_connection_gives_one_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        source = LiveSource(f"tcp://127.0.0.1:{port}", window=window())
        with source as live, pytest.raises(UserError, match="refused"):
            list(live.windows())


class FakeCamera:
    """A camera with a constant picture, with channels in OpenCV's order."""

    BLUE, GREEN, RED = 10, 120, 230

    def __init__(self, number):
        self.left = 6

    def isOpened(self):  # noqa: N802
        return True

    def read(self):
        self.left -= 1
        picture = np.full((24, 32, 3), (self.BLUE, self.GREEN, self.RED), np.uint8)
        return self.left >= 0, picture if self.left >= 0 else None

    def release(self):
        pass


def test_the_colours_of_a_camera_arrive_as_red_green_and_blue(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    _, pixels = next(camera(0))
    assert pixels()[5, 5].tolist() == [230, 120, 10]
    with LiveSource("0", window=window(rate=None)) as source:
        seen = next(source.windows())
    assert (seen.clip == np.array([230, 120, 10], np.uint8)).all()


def test_an_unplugged_camera_gives_an_error(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    with (
        LiveSource("0", window=window(rate=None)) as source,
        pytest.raises(UserError, match="camera 0: it delivers no more frames"),
    ):
        list(source.windows())
