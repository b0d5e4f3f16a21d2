"""Training examples from shards are a function of seed and position, as those of videos."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pan_keras.clips import ClipShape
from pan_keras.clips.augmentation import Augmentation
from pan_keras.data import open_data
from pan_keras.input import FrameStore
from pan_keras.input.examples import TrainingExamples

SHAPE = ClipShape(segments=4, stack=2, size=(48, 64), resize=56)


def batches(source, root=None, *, workers=2, cache="none", folder=None, steps=(0, 5, 9)):
    data = open_data(source, root)
    examples = TrainingExamples(
        data.clips("train"),
        SHAPE,
        Augmentation(),
        batch=4,
        seed=3,
        store=FrameStore(56, cache, folder),
    )
    with ThreadPoolExecutor(workers) as threads:
        return [examples.batch(step, threads) for step in steps]


@pytest.fixture(scope="module")
def expected(motion_shards):
    return batches(motion_shards, workers=1)


def same(found, expected):
    for (frames, labels), (other_frames, other_labels) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(frames, other_frames)
        np.testing.assert_array_equal(labels, other_labels)


def test_workers_and_earlier_steps_change_nothing(motion_shards, expected):
    same(batches(motion_shards, workers=4), expected)
    same(batches(motion_shards, steps=(9,)), expected[2:])


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_caches_give_the_same_pixels(motion_shards, expected, tmp_path, cache):
    for _ in range(2):
        same(batches(motion_shards, cache=cache, folder=tmp_path), expected)


def test_the_clips_and_frames_are_those_of_the_videos(small_motions, expected):
    of_videos = batches("motions", small_motions)
    for (frames, labels), (other_frames, other_labels) in zip(expected, of_videos, strict=True):
        np.testing.assert_array_equal(labels, other_labels)
        assert np.abs(frames.astype(int) - other_frames).mean() < 4
