"""Clips are blurred as OpenCV blurs, from the seed and the position alone."""

import sys

import cv2
import numpy as np
import pytest
import tensorflow as tf

from pan_keras.input import blurring
from pan_keras.input.blurring import SHARPEST

LARGEST, SEED, PART = 1.5, 7, 11
CLIPS = np.random.default_rng(0).integers(0, 256, (3, 2, 2, 20, 24, 3), "uint8")


@pytest.fixture(scope="module")
def blur():
    return blurring(LARGEST, SEED)


def test_a_clip_is_blurred_by_a_gaussian(blur):
    deviations = tf.random.stateless_uniform((3,), [SEED, PART], SHARPEST, LARGEST).numpy()
    assert np.ptp(deviations) > 0.1
    expected = [
        cv2.GaussianBlur(
            frame.astype("float32"), (11, 11), float(deviation), borderType=cv2.BORDER_REFLECT
        )
        for clip, deviation in zip(CLIPS, deviations, strict=True)
        for frame in clip.reshape(-1, *clip.shape[2:])
    ]
    found = blur(CLIPS, PART).numpy().reshape(-1, *CLIPS.shape[3:])
    np.testing.assert_allclose(found, np.stack(expected), atol=0.51)


def test_the_blur_depends_on_seed_and_part_only(blur):
    first = blur(CLIPS, PART).numpy()
    np.testing.assert_array_equal(tf.function(blur)(CLIPS, tf.constant(PART, tf.int64)), first)
    np.testing.assert_array_equal(blurring(LARGEST, SEED)(CLIPS, PART), first)
    assert (blur(CLIPS, PART + 1).numpy() != first).any()
    assert (blurring(LARGEST, SEED + 1)(CLIPS, PART).numpy() != first).any()


def test_a_blur_of_nothing_changes_nothing():
    np.testing.assert_array_equal(blurring(0.0, SEED)(CLIPS, PART), CLIPS)


def test_without_tensorflow_io_there_is_no_blur(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("tensorflow_io")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(ModuleNotFoundError, match="tensorflow_io"):
        blurring(LARGEST, SEED)
