"""Batches depend only on seed and position; evaluation reads every clip once."""

import errno
import gc
import threading
import time
import weakref

import numpy as np
import pytest
from video_files import moving_frames, write_video

from pan_keras.clips import ClipShape
from pan_keras.clips.augmentation import Augmentation
from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.input import (
    FrameStore,
    LeftOut,
    blurring,
    evaluation_dataset,
    frame_store,
    reporting,
    steps_per_epoch,
    training_dataset,
)
from pan_keras.input.left_out import left_out_file
from pan_keras.video import BrokenVideo

SHAPE = ClipShape(segments=2, stack=3, size=(24, 32), resize=32)
VARIED = Augmentation(crop="random", flip=True, brightness=0.2, contrast=0.2)
LENGTHS = (1, 2, 9, 20, 33, 12, 7)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Seven clips of different lengths and shapes, one with a single frame."""
    folder = tmp_path_factory.mktemp("clips")
    found = []
    for number, length in enumerate(LENGTHS):
        sides = [(48, 64), (64, 48), (32, 32)][number % 3]
        frames = moving_frames(length, *sides, seed=number)
        path = write_video(folder / f"{number}.mp4", frames, g=8)
        found.append(Clip(path, number, "train"))
    return tuple(found)


def training(clips, batch=3, steps=5, cache="none", folder=None, **options):
    store = options.pop("store", None) or FrameStore(SHAPE.resize, cache, folder)
    options = {"seed": 0, **options}
    data = training_dataset(clips, SHAPE, VARIED, batch=batch, store=store, **options)
    return [(f.numpy(), label.numpy()) for f, label in data.take(steps)]


def assert_same(found, expected):
    for (frames, labels), (frames_before, labels_before) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(frames, frames_before)
        np.testing.assert_array_equal(labels, labels_before)


def test_a_batch_consists_of_frames_and_labels(clips):
    frames, labels = training(clips, steps=1)[0]
    assert frames.shape == (3, *SHAPE.array)
    assert frames.dtype == np.uint8
    assert labels.shape == (3,)
    assert labels.dtype == np.int32
    data = training_dataset(clips, SHAPE, VARIED, batch=3, seed=0, store=FrameStore(32))
    assert [tuple(spec.shape) for spec in data.element_spec] == [(3, *SHAPE.array), (3,)]


@pytest.mark.parametrize("options", [{"workers": 1}, {"workers": 4}, {"cache": "memory"}])
def test_batches_do_not_depend_on_workers_or_cache(options, clips):
    assert_same(training(clips, **options), training(clips))


@pytest.mark.parametrize(("length", "differ"), [(4, True), (9, False)])
def test_the_references_validation_samples_short_clips_from_their_start(tmp_path, length, differ):
    clip = Clip(write_video(tmp_path / "c.mp4", moving_frames(length, 48, 64), g=8), 0, "val")
    spread, central = (
        next(
            iter(
                evaluation_dataset(
                    [clip], SHAPE, batch=1, store=FrameStore(SHAPE.resize), sampling=sampling
                )
            )
        )[0].numpy()
        for sampling in ("spread", "central")
    )
    assert (spread != central).any() == differ
    if differ:
        np.testing.assert_array_equal(central[0, 0], central[0, 1])


def test_an_unknown_sampling_of_validation_is_refused(clips):
    with pytest.raises(UserError, match="not one of spread, central"):
        evaluation_dataset(clips, SHAPE, batch=1, store=FrameStore(32), sampling="middle")


def test_exposure_varies_between_stacks_and_not_within_one(tmp_path):
    still = np.full((60, 32, 32, 3), 110, np.uint8)
    clip = Clip(write_video(tmp_path / "still.mp4", still, g=8), 0, "train")
    vary = Augmentation(crop="centre", exposure=0.3)
    shape = ClipShape(segments=6, stack=4, size=(32, 32), resize=32)
    store = FrameStore(shape.resize)
    data = training_dataset([clip], shape, vary, batch=1, seed=0, store=store)
    for frames, _ in data.take(4):
        levels = frames.numpy()[0].mean(axis=(2, 3, 4))
        assert np.ptp(levels, axis=1).max() < 1  # tolerance for compression of a still picture
        assert np.ptp(levels[:, 0]) > 5


def test_parts_of_batches_concatenate_to_the_batches(clips):
    whole = training(clips, batch=4, steps=3, start_step=2)
    parts = training(clips, batch=4, parts=2, steps=6, start_step=2)
    assert parts[0][0].shape == (2, *SHAPE.array)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    joined = [
        (np.concatenate([frames, more]), np.concatenate([labels, others]))
        for (frames, labels), (more, others) in pairs
    ]
    assert_same(joined, whole)


@pytest.mark.parametrize("parts", [2, 4])
def test_shares_of_batches_are_their_rows(clips, parts):
    whole = training(clips, batch=4, parts=parts, steps=3 * parts, start_step=1)
    shares = [
        training(clips, batch=4, parts=parts, share=(index, 2), steps=3 * parts // 2, start_step=1)
        for index in range(2)
    ]
    own = parts // 2
    joined = []
    for step in range(3):
        for share in shares:
            joined += share[own * step : own * (step + 1)]
    assert_same(joined, whole)


def test_a_clip_that_breaks_for_one_process_stays_in_the_rows_of_the_other(
    clips, tmp_path, monkeypatch
):
    options = {"batch": 4, "parts": 2, "steps": 10}
    files = [left_out_file(tmp_path, rank) for rank in range(2)]
    sound = [training(clips, share=(rank, 2), **options) for rank in range(2)]
    broken_at(monkeypatch, {clips[3].path: [0]})
    found = training(clips, share=(1, 2), left_out=LeftOut(files[1]), **options)
    monkeypatch.undo()
    assert any(3 in labels for _, labels in sound[1])
    assert not any(3 in labels for _, labels in found)
    # The other has the same rows as before, and each has them again after a restart.
    assert_same(training(clips, share=(0, 2), left_out=LeftOut(files[0]), **options), sound[0])
    assert_same(training(clips, share=(1, 2), left_out=LeftOut(files[1]), **options), found)


def test_batches_do_not_depend_on_a_disk_cache(clips, tmp_path):
    for _ in range(2):
        assert_same(training(clips, cache="disk", folder=tmp_path), training(clips))


def test_it_can_start_at_any_step_and_decodes_nothing_before(clips, monkeypatch):
    whole = training(clips, steps=7)
    for start in (1, 2, 5):
        assert_same(training(clips, steps=7 - start, start_step=start), whole[start:])
    drawn = []
    monkeypatch.setattr(
        "pan_keras.input.examples.TrainingExamples._attempt",
        lambda self, position, clip: drawn.append(position) or np.zeros(SHAPE.array, np.uint8),
    )
    training(clips, steps=1, start_step=10**9)
    assert min(drawn) == 3 * 10**9


def test_batches_depend_on_the_seed(clips):
    (frames, labels), (other, other_labels) = (
        training(clips, batch=7, steps=1, seed=seed)[0] for seed in (0, 1)
    )
    assert (labels != other_labels).any() or (frames != other).any()


def test_an_epoch_shows_each_clip_once_in_an_order_of_its_own(clips):
    assert steps_per_epoch(clips, 7) == 1
    epochs = [labels.tolist() for _, labels in training(clips, batch=7, steps=4)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_incomplete_batches_are_dropped(clips):
    assert steps_per_epoch(clips, 3) == 2
    labels = [label for _, batch in training(clips, steps=2) for label in batch]
    assert len(set(labels)) == 6


def test_fewer_clips_than_a_batch_are_repeated(clips):
    assert steps_per_epoch(clips[:2], 5) == 1
    (_, labels), (_, others) = training(clips[:2], batch=5, steps=2)
    assert set(labels) == set(others) == {0, 1}


def test_each_epoch_augments_a_clip_differently(clips):
    one = (clips[4],)
    first, second = (frames for frames, _ in training(one, batch=1, steps=2))
    assert (first != second).any()


def test_dense_sampling_stays_within_its_window(clips):
    frames, _ = training(clips, steps=1, sampling="dense")[0]
    assert frames.shape == (3, *SHAPE.array)


def test_a_broken_clip_is_replaced_by_the_next_and_named_once(clips, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nonsense")
    mixed = (*clips[:3], Clip(bad, 99, "train"))
    runs = []
    for workers in (1, 4):
        store = FrameStore(SHAPE.resize)
        runs.append(training(mixed, batch=4, steps=4, workers=workers, store=store))
        assert list(store.broken) == [bad]
    assert_same(*runs)
    assert all(99 not in labels for _, labels in runs[0])


def broken_at(monkeypatch, moments):
    """Makes numbered attempts (from 0) to read clips fail, by path."""
    attempts = dict.fromkeys(moments, 0)
    frames = FrameStore.frames

    def failing(self, path, indices):
        if path in moments:
            attempts[path] += 1
            if attempts[path] - 1 in moments[path]:
                raise self._named(path, BrokenVideo(path, "the disk failed"))
        return frames(self, path, indices)

    monkeypatch.setattr(FrameStore, "frames", failing)


def test_a_broken_clip_is_replaced_by_the_next_usable_one_of_the_epoch(clips, monkeypatch):
    batch = len(clips)
    (_, order), (_, later) = training(clips, batch=batch, steps=2)
    first, second = order[2], order[3]
    broken_at(monkeypatch, {clips[label].path: [0] for label in (first, second)})
    found = training(clips, batch=batch, steps=2)
    place = {label: index for index, label in enumerate(order)}
    expected = list(order)
    expected[place[first]] = expected[place[second]] = order[4]
    assert found[0][1].tolist() == expected
    expected = list(later)
    for index in reversed(range(batch)):
        after = index
        while later[after % batch] in (first, second):
            after += 1
        expected[index] = later[after % batch]
    assert found[1][1].tolist() == expected


def test_a_clip_that_broke_stays_out_at_the_same_step_of_a_resumed_run(
    clips, tmp_path, monkeypatch
):
    path = clips[3].path
    # Only the third read fails.
    broken_at(monkeypatch, {path: [2]})
    file = tmp_path / "left_out.json"
    whole = training(clips, steps=14, left_out=LeftOut(file))
    monkeypatch.undo()
    with_it = [3 in labels for _, labels in whole]
    assert any(with_it)
    assert not any(with_it[8:])
    for start in range(0, 14, 3):
        again = training(clips, steps=14 - start, start_step=start, left_out=LeftOut(file))
        assert_same(again, whole[start:])


def test_a_clip_twice_in_a_batch_that_breaks_once_is_replaced_at_both_positions(
    clips, tmp_path, monkeypatch
):
    broken_at(monkeypatch, {clips[1].path: [1]})
    left_out = LeftOut(tmp_path / "left_out.json")
    (_, labels), *_ = training(clips[:2], batch=6, steps=1, left_out=left_out, workers=1)
    assert labels.tolist() == [0] * 6
    assert left_out.holds(clips[1].path, 0)


def test_clips_that_are_all_unreadable_are_not_left_out_permanently(clips, tmp_path, monkeypatch):
    file = tmp_path / "left_out.json"
    store = FrameStore(SHAPE.resize)
    broken_at(monkeypatch, {clip.path: range(100) for clip in clips})
    with pytest.raises(UserError, match=r"none of the 7 .*the disk failed"), reporting(store):
        training(clips, store=store, left_out=LeftOut(file))
    assert not file.exists()


def test_the_threads_and_the_cache_of_a_pipeline_end_with_it(clips):
    def threads():
        return [each for each in threading.enumerate() if each.name.startswith("training clips")]

    gc.collect()
    store = FrameStore(SHAPE.resize, "memory")
    gone = weakref.ref(store)
    data = training_dataset(clips, SHAPE, VARIED, batch=3, seed=0, store=store)
    measured = evaluation_dataset(clips, SHAPE, batch=3, store=store)
    batches = iter(data)
    del data
    next(batches)
    next(iter(measured))
    assert threads()
    del batches, measured, store
    gc.collect()
    for _ in range(100):
        if not threads() and gone() is None:
            break
        time.sleep(0.1)
    assert not threads()
    assert gone() is None


def test_no_remaining_clip_is_a_user_error(tmp_path):
    gone = tuple(Clip(tmp_path / f"{i}.mp4", 0, "train") for i in range(3))
    store = FrameStore(SHAPE.resize)
    with pytest.raises(UserError, match="none of the 3 training clips"), reporting(store):
        training(gone, store=store)


def test_a_failed_pipeline_is_freed_at_once(tmp_path):
    # If it were freed later, by the garbage collector in one of its own threads, it would deadlock.
    gone = (Clip(tmp_path / "gone.mp4", 0, "train"),)
    store = FrameStore(SHAPE.resize)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(UserError), reporting(store):
            training(gone, store=store)
        left = [found for found in gc.get_objects() if type(found).__name__ == "OwnedIterator"]
        assert not left
    finally:
        gc.enable()


def test_a_full_disk_ends_training_with_its_own_sentence(clips, tmp_path, monkeypatch):
    def full(file, array):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = FrameStore(SHAPE.resize, "disk", tmp_path)
    monkeypatch.setattr(frame_store, "_write", full)
    with pytest.raises(UserError, match="the disk is full"), reporting(store):
        training(clips, store=store)


def test_wrong_options_are_named(clips):
    with pytest.raises(UserError, match="there are no clips to train on"):
        training(())
    with pytest.raises(UserError, match="sampling: 'uniform' is not one of random, dense"):
        training(clips, sampling="uniform")
    store = FrameStore(SHAPE.resize)
    with pytest.raises(UserError, match="crops: '5' is not one of 1, 3, full"):
        evaluation_dataset(clips, SHAPE, batch=2, store=store, crops="5")
    with pytest.raises(UserError, match="3 samples in time is not one of 1, 2, 10"):
        evaluation_dataset(clips, SHAPE, batch=2, store=store, temporal=3)


def evaluated(clips, batch=4, shape=SHAPE, **options):
    store = options.pop("store", None) or FrameStore(shape.resize)
    data = evaluation_dataset(clips, shape, batch=batch, store=store, **options)
    rows = [(f.numpy(), index.numpy()) for f, index in data]
    return np.concatenate([f for f, _ in rows]), np.concatenate([i for _, i in rows])


@pytest.mark.parametrize("crops", ["1", "3", "full"])
@pytest.mark.parametrize("temporal", [1, 2, 10])
def test_evaluation_gives_every_view_of_every_clip_in_order(crops, temporal, clips):
    frames, index = evaluated(clips, crops=crops, temporal=temporal)
    views = temporal * (3 if crops == "3" else 1)
    size = (32, 43) if crops == "full" else SHAPE.size
    assert index.tolist() == np.repeat(np.arange(7), views).tolist()
    assert frames.shape == (7 * views, 2, 3, *size, 3)
    again, _ = evaluated(clips, crops=crops, temporal=temporal, workers=5, batch=3)
    np.testing.assert_array_equal(frames, again)


def test_evaluation_samples_the_middle(clips):
    frames, _ = evaluated([clips[4]])
    store = FrameStore(SHAPE.resize)
    # 33 frames, 2 segments of 15.5 frames; 42 pixels high, with a centre crop of 24.
    seen = store.frames(clips[4].path, np.array([7, 8, 9, 23, 24, 25]))
    np.testing.assert_array_equal(frames[0].reshape(6, 24, 32, 3), seen[:, 9:33])


def test_a_clip_that_cannot_be_decoded_gives_no_rows_and_is_named(clips, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nonsense")
    store = FrameStore(SHAPE.resize)
    mixed = (clips[2], Clip(bad, 0, "test"), clips[3])
    frames, index = evaluated(mixed, crops="3", store=store)
    assert index.tolist() == [0, 0, 0, 2, 2, 2]
    assert len(frames) == 6
    assert list(store.broken) == [bad]


def test_blurred_batches_depend_on_the_step_only(clips):
    blur = blurring(1.0, seed=0)
    blurred = training(clips, blur=blur)
    assert_same(training(clips, blur=blur, start_step=2, steps=3), blurred[2:])
    sharp = training(clips)
    assert [label.tolist() for _, label in sharp] == [label.tolist() for _, label in blurred]
    assert all((a != b).any() for (a, _), (b, _) in zip(sharp, blurred, strict=True))
