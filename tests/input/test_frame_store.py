"""All caches give the same pixels; frames that are not cached are decoded again."""

import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from video_files import moving_frames, write_video

from pan_keras.clips.crops import Framing
from pan_keras.errors import UserError
from pan_keras.input import FrameStore, frame_store
from pan_keras.input.frame_store import memory_of_machine
from pan_keras.video import BrokenVideo
from pan_keras.video.container import SlowVideo


@pytest.fixture
def clip(tmp_path):
    return write_video(tmp_path / "clip.mp4", moving_frames(30, 60, 80), g=10, bf=3)


def store(cache, tmp_path, **options):
    return FrameStore(40, cache, tmp_path / "cache", **options)


@pytest.fixture
def decodings(monkeypatch):
    """Records the file and number of frames of each decoding call."""
    calls = []

    def counted(path, indices, **options):
        calls.append((path, len(indices)))
        return read_frames(path, indices, **options)

    read_frames = frame_store.read_frames
    monkeypatch.setattr(frame_store, "read_frames", counted)
    return calls


def test_all_caches_give_the_same_pixels(clip, tmp_path):
    asked = np.array([29, 0, 3, 3, 17])
    plain = store("none", tmp_path).frames(clip, asked)
    assert plain.shape == (5, 40, 53, 3)
    for cache in ("memory", "disk"):
        keeping = store(cache, tmp_path)
        for _ in range(2):
            np.testing.assert_array_equal(keeping.frames(clip, asked), plain)


@pytest.mark.parametrize(
    ("cache", "decoded"), [("none", [2, 2, 2]), ("memory", [1, 30]), ("disk", [1, 30])]
)
def test_a_cached_clip_is_decoded_once(cache, decoded, clip, tmp_path, decodings):
    keeping = store(cache, tmp_path)
    for _ in range(3):
        keeping.frames(clip, np.array([1, 2]))
    assert decodings == [(clip, frames) for frames in decoded]
    assert keeping.count(clip) == 30


def test_a_disk_cache_persists_and_detects_changed_files(clip, tmp_path, decodings):
    store("disk", tmp_path).frames(clip, np.array([0]))
    store("disk", tmp_path).frames(clip, np.array([0]))
    assert [frames for _, frames in decodings] == [1, 30]
    write_video(clip, moving_frames(12, 60, 80, seed=1))
    os.utime(clip, ns=(1, 1))
    fresh = store("disk", tmp_path)
    assert fresh.count(clip) == 12
    np.testing.assert_array_equal(
        fresh.frames(clip, np.array([5])), store("none", tmp_path).frames(clip, np.array([5]))
    )


def test_another_size_gets_files_of_its_own(clip, tmp_path):
    small = FrameStore(20, "disk", tmp_path / "cache").frames(clip, np.array([0]))
    large = FrameStore(40, "disk", tmp_path / "cache").frames(clip, np.array([0]))
    assert (small.shape[1], large.shape[1]) == (20, 40)


def test_another_fit_or_version_of_resizing_gets_files_of_its_own(clip, tmp_path):
    framings = [
        Framing(40, resizing=1),
        Framing(40),
        Framing((40, 60), "letterbox"),
        Framing((40, 60), "squash"),
    ]
    for framing in framings:
        kept = FrameStore(framing, "disk", tmp_path / "cache").frames(clip, np.array([3]))
        expected = FrameStore(framing).frames(clip, np.array([3]))
        np.testing.assert_array_equal(kept, expected)
    assert len(list((tmp_path / "cache").iterdir())) == len(framings)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"nonsense"])
def test_a_damaged_cache_file_is_rewritten(content, clip, tmp_path):
    expected = store("disk", tmp_path).frames(clip, np.array([7]))
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(content)
    np.testing.assert_array_equal(store("disk", tmp_path).frames(clip, np.array([7])), expected)


def test_only_requested_frames_of_an_uncached_clip_are_decoded(clip, tmp_path, decodings):
    other = write_video(tmp_path / "other.mp4", moving_frames(30, 60, 80, seed=1))
    one_clip = 30 * 40 * 53 * 3
    keeping = store("memory", tmp_path, memory_limit=one_clip)
    for _ in range(3):
        keeping.frames(clip, np.array([0]))
        keeping.frames(other, np.array([0]))
    assert keeping.held == one_clip
    assert [frames for path, frames in decodings if path == clip] == [1, 30]
    assert [frames for path, frames in decodings if path == other] == [1, 1, 1, 1]


@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_many_threads_see_the_same_frames(cache, clip, tmp_path):
    expected = store("none", tmp_path).frames(clip, np.arange(30))
    keeping = store(cache, tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: keeping.frames(clip, np.array([i])), range(30)))
    np.testing.assert_array_equal(np.concatenate(found), expected)


def test_a_clip_larger_than_the_memory_is_not_cached_in_part(clip, tmp_path, decodings):
    one_clip = 30 * 40 * 53 * 3
    for cache in ("memory", "disk"):
        decodings.clear()
        keeping = store(cache, tmp_path, memory_limit=one_clip - 1)
        for _ in range(2):
            keeping.frames(clip, np.array([0, 5, 7]))
        assert [frames for _, frames in decodings] == [1, 3, 3]
        assert keeping.held == 0
    assert not (tmp_path / "cache").exists()


def test_memory_is_reserved_before_clips_are_decoded(clip, tmp_path, monkeypatch):
    others = [
        write_video(tmp_path / f"{i}.mp4", moving_frames(30, 60, 80, seed=i)) for i in range(4)
    ]
    one_clip = 30 * 40 * 53 * 3
    keeping = store("memory", tmp_path, memory_limit=2 * one_clip)
    most = []
    whole = FrameStore._whole

    def watched(self, path):
        most.append(self.held)
        time.sleep(0.1)
        return whole(self, path)

    monkeypatch.setattr(FrameStore, "_whole", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda path: keeping.frames(path, np.array([0])), others))
    assert len(most) == 2
    assert keeping.held == max(most) == 2 * one_clip


def test_failed_decoding_releases_its_memory(clip, tmp_path, monkeypatch):
    keeping = store("memory", tmp_path)

    def failing(self, path):
        raise BrokenVideo(path, "the disk failed")

    monkeypatch.setattr(FrameStore, "_whole", failing)
    with pytest.raises(BrokenVideo):
        keeping.frames(clip, np.array([0]))
    assert keeping.held == 0


@pytest.fixture
def slow(monkeypatch):
    """Makes reading time out below a given limit."""
    enough, limits = [0.0], []

    def read(path, indices, *, timeout, **options):
        limits.append(timeout)
        if timeout < enough[0]:
            raise SlowVideo(path, f"it takes longer than {timeout:g} s")
        return read_frames(path, indices, timeout=timeout, **options)

    read_frames = frame_store.read_frames
    monkeypatch.setattr(frame_store, "read_frames", read)
    return enough, limits


def test_a_slow_read_is_retried_with_a_longer_limit_that_is_kept(clip, tmp_path, slow):
    enough, limits = slow
    expected = store("none", tmp_path).frames(clip, np.array([3]))
    patient = store("none", tmp_path, timeout=10.0)
    enough[0], limits[:] = 40.0, []
    for _ in range(2):
        np.testing.assert_array_equal(patient.frames(clip, np.array([3])), expected)
    assert limits == [10.0, 20.0, 40.0, 40.0]
    assert not patient.broken


def test_a_file_that_stays_slow_is_skipped(clip, tmp_path, slow):
    enough, limits = slow
    enough[0] = 41.0
    patient = store("none", tmp_path, timeout=10.0)
    for _ in range(2):
        with pytest.raises(BrokenVideo, match="takes longer than 40 s"):
            patient.frames(clip, np.array([3]))
    assert limits == [10.0, 20.0, 40.0]
    assert list(patient.broken) == [clip]


@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_a_clip_may_take_longer_than_the_limit_while_it_makes_progress(
    cache, clip, tmp_path, monkeypatch
):
    resize = frame_store.resize

    def slowly(*arguments):
        time.sleep(0.1)
        return resize(*arguments)

    monkeypatch.setattr(frame_store, "resize", slowly)
    # Reading thirty frames takes three seconds.
    patient = store(cache, tmp_path, timeout=2.0)
    start = time.monotonic()
    assert len(patient.frames(clip, np.arange(30))) == 30
    assert time.monotonic() - start > 2.0
    assert patient._limits == {clip: 2.0}
    assert not patient.broken


SHARED = """
import sys
from pathlib import Path
import numpy as np
from pan_keras.input import FrameStore
store = FrameStore(40, "disk", Path(sys.argv[1]))
for _ in range(3):
    for path in map(Path, sys.argv[2:]):
        store.frames(path, np.arange(30))
assert not store.broken
"""


def test_two_processes_share_one_disk_cache(tmp_path):
    clips = [
        write_video(tmp_path / f"{i}.mp4", moving_frames(30, 60, 80, seed=i)) for i in range(6)
    ]
    arguments = [sys.executable, "-c", SHARED, str(tmp_path / "cache"), *map(str, clips)]
    processes = [subprocess.Popen(arguments) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert len(list((tmp_path / "cache").iterdir())) == len(clips)
    for clip in clips:
        np.testing.assert_array_equal(
            store("disk", tmp_path).frames(clip, np.arange(30)),
            store("none", tmp_path).frames(clip, np.arange(30)),
        )


@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_a_broken_file_is_named_once_and_not_opened_again(cache, tmp_path, decodings):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"nonsense")
    keeping = store(cache, tmp_path)
    for _ in range(3):
        with pytest.raises(BrokenVideo, match="cannot be read as video"):
            keeping.frames(path, np.array([0]))
        with pytest.raises(BrokenVideo):
            keeping.count(path)
    assert list(keeping.broken) == [path]
    assert len(decodings) <= 1


@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_a_file_that_disappeared_is_broken(cache, tmp_path):
    keeping = store(cache, tmp_path)
    with pytest.raises(BrokenVideo, match="there is no such file"):
        keeping.frames(tmp_path / "gone.mp4", np.array([0]))
    assert keeping.broken == {tmp_path / "gone.mp4": "there is no such file"}


def test_a_full_disk_gives_one_error_and_no_partial_file(clip, tmp_path, monkeypatch):
    def full(file, array):
        Path(file).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    keeping = store("disk", tmp_path)
    monkeypatch.setattr(frame_store, "_write", full)
    with pytest.raises(UserError, match="the disk is full; free some space") as caught:
        keeping.frames(clip, np.array([0]))
    assert keeping.failure is caught.value
    assert not keeping.broken
    assert not list((tmp_path / "cache").iterdir())
    monkeypatch.undo()
    assert keeping.frames(clip, np.array([0])).shape == (1, 40, 53, 3)


def test_options_are_checked():
    with pytest.raises(UserError, match="cache: 'ram' is not one of none, memory, disk"):
        FrameStore(40, "ram")
    with pytest.raises(UserError, match="needs a folder"):
        FrameStore(40, "disk")


def test_a_container_memory_limit_is_respected(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(frame_store, "CONTAINER_LIMITS", (limit,))
    whole = memory_of_machine()
    assert whole > 2**28
    limit.write_text("max\n")
    assert memory_of_machine() == whole
    limit.write_text("1000000\n")
    assert memory_of_machine() == 1_000_000
    monkeypatch.setattr(frame_store, "_physical", lambda: None)
    limit.unlink()
    assert memory_of_machine() == 4 * 2**30


def test_a_parser_disturbed_by_other_threads_is_retried(clip, tmp_path, monkeypatch):
    store = FrameStore(resize=32, cache="disk", folder=tmp_path / "cache")
    wanted = store.frames(clip, np.array([0, 1]))
    load, failures = np.load, iter((True, True, False))

    def disturbed(*arguments, **options):
        if next(failures, False):
            raise SystemError("AST constructor recursion depth mismatch")
        return load(*arguments, **options)

    monkeypatch.setattr(np, "load", disturbed)
    assert np.array_equal(store.frames(clip, np.array([0, 1])), wanted)
    monkeypatch.setattr(np, "load", lambda *_, **__: disturbed_for_ever())
    with pytest.raises(SystemError):
        store.frames(clip, np.array([0, 1]))


def disturbed_for_ever():
    raise SystemError("AST constructor recursion depth mismatch")
