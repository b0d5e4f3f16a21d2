"""Motion fields of videos: correct, computed once, and sampled like frames."""

import errno
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from small_disks import small_disk
from video_files import moving_frames, write_frames, write_video

from pan_keras.clips import ClipShape
from pan_keras.clips.augmentation import Augmentation
from pan_keras.clips.crops import Framing, evaluation_crops
from pan_keras.clips.fields import from_bytes, resize_bytes, resize_field, to_bytes
from pan_keras.clips.opencv_resizing import resize
from pan_keras.clips.sampling import spread_starts, stack_frames
from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.flow import OpticalFlow
from pan_keras.input import (
    FieldStore,
    FrameStore,
    clip_store,
    clip_views,
    evaluation_dataset,
    training_dataset,
)
from pan_keras.input import field_store as field_store_module
from pan_keras.input import frame_store as frame_store_module
from pan_keras.video import BrokenVideo, read_frames
from pan_keras.video.motion_vectors import motion_vectors

ROOT = Path(__file__).parents[2]
SIDE = 64
LENGTH = 9
SHAPE = ClipShape(segments=2, stack=3, size=(48, 64), resize=SIDE, field="dis")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Frames of 96 x 128 pixels that move three pixels to the right; no B-frames."""
    frames = moving_frames(LENGTH, 96, 128, seed=4)
    return write_video(tmp_path_factory.mktemp("video") / "moving.mp4", frames, g=30, bf=0)


def frames_of(path):
    framing = Framing(SIDE)
    return read_frames(path, np.arange(LENGTH), transform=lambda frame: framing(frame, resize))


def flows_of(path, method):
    frames, flow = frames_of(path), OpticalFlow(method)
    pairs = [to_bytes(flow(*pair)) for pair in pairwise(frames)]
    return np.stack([*pairs, np.full_like(pairs[0], 128)])


@pytest.mark.parametrize(("field", "method"), [("dis", "dis_medium"), ("farneback", "farneback")])
def test_flow_is_that_between_the_decoded_frames(field, method, video, monkeypatch):
    monkeypatch.setattr(field_store_module, "PORTION", 3)  # of the clip's eight pairs
    store = FieldStore(SIDE, field)
    expected = flows_of(video, method)
    np.testing.assert_array_equal(store.frames(video, np.arange(LENGTH)), expected)
    np.testing.assert_array_equal(
        store.frames(video, np.array([5, 2, 8, 2])), expected[[5, 2, 8, 2]]
    )
    across = np.median(from_bytes(expected[:-1, ..., 0]))
    assert across == pytest.approx(3 * SIDE / 96, abs=0.2)


def test_vectors_are_those_of_the_next_frame_scaled_with_the_picture(video):
    found = FieldStore(SIDE, "vectors").frames(video, np.arange(LENGTH))
    raw = motion_vectors(video, np.arange(1, LENGTH))
    height, width = frames_of(video).shape[1:3]
    expected = [to_bytes(resize_field(field, (height, width))) for field in raw]
    np.testing.assert_array_equal(found[:-1], np.stack(expected))
    np.testing.assert_array_equal(found[-1], 128)
    assert np.median(from_bytes(found[:-1, ..., 0])) == pytest.approx(2, abs=0.2)


def test_a_clip_of_one_frame_has_no_motion(tmp_path):
    path = write_video(tmp_path / "one.mp4", moving_frames(1, 96, 128))
    for field in ("dis", "vectors"):
        found = FieldStore(SIDE, field).frames(path, np.array([0, 0]))
        np.testing.assert_array_equal(found, np.full((2, 64, 85, 2), 128))


@pytest.mark.parametrize("field", ["dis", "vectors"])
def test_stored_fields_are_read_without_decoding(field, video, tmp_path, monkeypatch):
    def store(**options):
        return FieldStore(SIDE, field, "disk", tmp_path, **options)

    computed = FieldStore(SIDE, field).frames(video, np.arange(LENGTH))
    np.testing.assert_array_equal(store().frames(video, np.array([3])), computed[[3]])
    assert len(list(tmp_path.iterdir())) == 1

    def refuse(*_, **__):
        raise AssertionError("decoded again")

    monkeypatch.setattr(frame_store_module, "read_frames", refuse)
    monkeypatch.setattr(field_store_module, "motion_vectors", refuse)
    for keeps in (True, False):
        found = store(keeps=keeps).frames(video, np.arange(LENGTH))
        np.testing.assert_array_equal(found, computed)


def test_a_store_without_cache_computes_on_request_and_writes_nothing(video, tmp_path):
    store = FieldStore(SIDE, "dis", "disk", tmp_path, keeps=False)
    expected = FieldStore(SIDE, "dis").frames(video, np.array([1, 2]))
    np.testing.assert_array_equal(store.frames(video, np.array([1, 2])), expected)
    assert not list(tmp_path.iterdir())


def test_frames_and_fields_of_every_kind_and_version_may_share_a_folder(
    video, tmp_path, monkeypatch
):
    stores = [
        FrameStore(SIDE, "disk", tmp_path),
        FieldStore(SIDE, "dis", "disk", tmp_path),
        FieldStore(SIDE, "dis_fast", "disk", tmp_path),
        FieldStore(SIDE, "vectors", "disk", tmp_path),
        FieldStore(48, "dis", "disk", tmp_path),
    ]
    for number, store in enumerate(stores, 1):
        store.frames(video, np.array([0]))
        assert len(list(tmp_path.iterdir())) == number
    monkeypatch.setattr(field_store_module.cv2, "__version__", "0.0")
    stores[1].frames(video, np.array([0]))
    assert len(list(tmp_path.iterdir())) == 6
    monkeypatch.setattr(field_store_module.av, "library_versions", {"libavcodec": (0, 0, 0)})
    stores[3].frames(video, np.array([0]))
    assert len(list(tmp_path.iterdir())) == 7


def test_a_damaged_file_is_recomputed(video, tmp_path):
    store = FieldStore(SIDE, "dis", "disk", tmp_path)
    expected = store.frames(video, np.arange(LENGTH))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:90])
    np.testing.assert_array_equal(store.frames(video, np.arange(LENGTH)), expected)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(video, tmp_path, monkeypatch):
    def full(file, _):
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(frame_store_module, "_write", full)
    store = FieldStore(SIDE, "dis", "disk", tmp_path)
    with pytest.raises(UserError, match="full"):
        store.frames(video, np.array([0]))
    assert store.failure is not None
    assert not list(tmp_path.iterdir())


def test_a_real_full_disk_gives_the_same_error(video, tmp_path):
    with small_disk(tmp_path / "disk", kilobytes=40) as disk:  # a clip's fields need 98
        store = FieldStore(SIDE, "dis", "disk", disk)
        with pytest.raises(UserError, match="the disk is full; free some space"):
            store.frames(video, np.array([0]))
        assert not list(disk.iterdir())


COMPUTING = """
import sys, time
from pathlib import Path
import numpy as np
from pan_keras.input import FieldStore
from pan_keras.video import read_frames

video, folder, mine, others = sys.argv[1:]
store = FieldStore(64, "dis", "disk", folder)
original = store._whole

def whole(path):
    # Both are about to compute before either has stored anything.
    Path(mine).touch()
    end = time.monotonic() + 60
    while not Path(others).exists() and time.monotonic() < end:
        time.sleep(0.01)
    return original(path)

store._whole = whole
np.save(mine + ".npy", store.frames(Path(video), np.arange(9)))
"""


@pytest.mark.slow
def test_two_processes_that_compute_the_same_fields_leave_one_whole_file(video, tmp_path):
    folder, marks = tmp_path / "fields", [tmp_path / "one", tmp_path / "two"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COMPUTING, *map(str, (video, folder, mine, others))],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for mine, others in (marks, reversed(marks))
    ]
    try:
        for process in processes:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    finally:
        for process in processes:
            process.kill()
    expected = flows_of(video, "dis_medium")
    for mark in marks:
        np.testing.assert_array_equal(np.load(f"{mark}.npy"), expected)
    (file,) = folder.iterdir()
    np.testing.assert_array_equal(np.load(file), expected)


def test_files_without_vectors_are_refused_in_one_sentence(tmp_path):
    folder = write_frames(tmp_path / "frames", moving_frames(3, 96, 128))
    webm = write_video(tmp_path / "clip.webm", moving_frames(3, 96, 128), codec="libvpx-vp9")
    for path, reason in ((folder, "only a video file"), (webm, "has no motion vectors")):
        store = FieldStore(SIDE, "vectors")
        with pytest.raises(UserError, match=reason) as caught:
            store.frames(path, np.array([0]))
        assert str(path) in str(caught.value)
        assert store.failure is caught.value


def test_broken_files_are_named(tmp_path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"no video")
    store = FieldStore(SIDE, "dis", "disk", tmp_path / "cache")
    with pytest.raises(BrokenVideo):
        store.frames(path, np.array([0]))
    assert path in store.broken


def test_unknown_fields_are_refused():
    with pytest.raises(UserError, match="not one of vectors, dis_ultrafast"):
        FieldStore(SIDE, "lucas")


def test_views_are_taken_from_the_fields_between_frames(video):
    clip = Clip(video, 0, "test")
    (found,) = clip_views(clip, SHAPE, clip_store(SHAPE))
    starts = spread_starts(LENGTH, SHAPE.segments, SHAPE.stack)[0]
    wanted = stack_frames(starts, LENGTH, SHAPE.stack)
    every = flows_of(video, "dis_medium")
    (expected,) = evaluation_crops(every[wanted[:, :-1].ravel()], SHAPE, "1", resize_bytes)
    np.testing.assert_array_equal(found, expected.reshape(SHAPE.array))
    assert found.shape == (2, 2, 48, 64, 2)
    (batch,) = evaluation_dataset(
        [clip], SHAPE, batch=4, store=clip_store(SHAPE)
    ).as_numpy_iterator()
    np.testing.assert_array_equal(batch[0], found[None])


def test_training_sees_the_same_clips_and_moments_whatever_the_cue(video, tmp_path, monkeypatch):
    clips = tuple(
        Clip(
            write_video(tmp_path / f"{seed}.mp4", moving_frames(9, 96, 128, seed), bf=0),
            seed,
            "train",
        )
        for seed in range(4)
    )
    asked = {}

    def noted(kind, kept):
        def frames(self, path, indices):
            asked.setdefault(kind, []).append((path.name, indices.reshape(2, -1)))
            return kept(self, path, indices)

        return frames

    monkeypatch.setattr(FieldStore, "frames", noted("fields", FieldStore.frames))
    labels = {}
    for field in (None, "dis_ultrafast"):
        shape = ClipShape(2, 3, (48, 64), SIDE, field=field)
        store = clip_store(shape, "memory")
        if field is None:
            store.frames = noted("frames", FrameStore.frames).__get__(store)
        data = training_dataset(
            clips, shape, Augmentation(flip=True), batch=4, seed=5, store=store, workers=1
        )
        batches = [(frames.numpy(), label.numpy()) for frames, label in data.take(2)]
        assert batches[0][0].shape == (4, *shape.array)
        labels[field] = np.stack([label for _, label in batches])
    np.testing.assert_array_equal(labels[None], labels["dis_ultrafast"])
    for (name, frames), (other, fields) in zip(asked["frames"], asked["fields"], strict=False):
        assert name == other
        np.testing.assert_array_equal(frames[:, :-1], fields)


def test_a_store_of_frames_is_refused_for_fields(video):
    with pytest.raises(UserError, match="must be dis, but the store returns frames"):
        clip_views(Clip(video, 0, "test"), SHAPE, FrameStore(SIDE))
