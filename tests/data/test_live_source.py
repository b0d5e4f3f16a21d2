"""A live source gives the newest frames, evenly spaced, and counts what it drops."""

import os
import threading
import time

import numpy as np
import pytest
from video_files import write_video

from pan_keras.data import live_source
from pan_keras.data.live_source import LiveSource
from pan_keras.errors import UserError


def same(frame):
    return frame


def numbered(count, height=32, width=32):
    """Frames whose brightness is their number, times four."""
    return np.stack([np.full((height, width, 3), 4 * i, np.uint8) for i in range(count)])


def numbers(window):
    return [round(frame.mean() / 4) for frame in window.frames]


@pytest.fixture
def recording(tmp_path):
    """Thirty frames in 1.2 seconds."""
    return str(write_video(tmp_path / "numbers.mp4", numbered(30), crf=1))


def test_windows_end_with_the_newest_frame_and_hold_adjacent_ones(recording):
    with LiveSource(recording, rate=25, window=4, transform=same) as source:
        windows = list(source.windows())
    for window in windows:
        found = numbers(window)
        assert found == list(range(found[0], found[0] + 4))
        assert window.time == pytest.approx(found[-1] / 25, abs=1e-3)
    assert numbers(windows[0]) == [0, 1, 2, 3]
    assert numbers(windows[-1])[-1] == 29


def test_a_slow_reader_drops_whole_stretches_and_knows_how_many(recording):
    seen, dropped = set(), 0
    with LiveSource(recording, rate=25, window=4, transform=same) as source:
        for window in source.windows():
            seen |= set(numbers(window))
            dropped += window.dropped
            time.sleep(0.4)
    assert dropped > 0
    assert len(seen) + dropped == 30


def test_a_recording_plays_at_its_own_speed(recording):
    start = time.monotonic()
    with LiveSource(recording, rate=25, window=4, transform=same) as source:
        list(source.windows(every=0.2))
    assert 1.1 < time.monotonic() - start < 3


def test_faster_sources_are_thinned_evenly(recording):
    with LiveSource(recording, rate=12.5, window=5, transform=same) as source:
        window = next(source.windows())
    assert numbers(window) == [0, 2, 4, 6, 8]


def test_a_source_shorter_than_the_window_is_answered_when_it_ends(tmp_path):
    short = str(write_video(tmp_path / "short.mp4", numbered(3), crf=1))
    with LiveSource(short, rate=25, window=10, transform=same) as source:
        (window,) = source.windows()
    assert numbers(window) == [0, 1, 2]


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
    with LiveSource(str(pipe), rate=25, window=4, transform=same) as source:
        windows = list(source.windows())
    server.join()
    assert numbers(windows[-1]) == [26, 27, 28, 29]


def test_a_clock_that_is_set_back_does_not_stop_the_frames(monkeypatch):
    def restarted(_):
        for number in (100, 101, 102, 0, 1, 2):
            yield number / 25, lambda number=number: np.full((1, 1, 3), number, np.uint8)

    monkeypatch.setattr(live_source, "stream", restarted)
    with LiveSource("any", rate=25, window=6, transform=same) as source:
        (window,) = source.windows()
    assert window.frames[:, 0, 0, 0].tolist() == [100, 101, 102, 0, 1, 2]


def test_leaving_stops_the_thread(recording):
    with LiveSource(recording, rate=25, window=4, transform=same) as source:
        next(source.windows())
    assert not source._thread.is_alive()


@pytest.mark.parametrize(
    ("source", "message"),
    [("absent.mp4", "No such file"), ("97", "camera 97"), ("text", "cannot be read as video")],
)
def test_what_cannot_be_opened_is_named(source, message, tmp_path, monkeypatch):
    (tmp_path / "text").write_text("no video")
    monkeypatch.chdir(tmp_path)
    with (
        LiveSource(source, rate=25, window=4, transform=same) as live,
        pytest.raises(UserError, match=message),
    ):
        list(live.windows())
