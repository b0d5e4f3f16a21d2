"""Frames of any aspect ratio are scaled to the size that crops are taken from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.clips import ClipShape
from pan_keras.clips.augmentation import Augmentation
from pan_keras.clips.clip_shape import FITS
from pan_keras.clips.crops import Framing, evaluation_crops, framing
from pan_keras.clips.opencv_resizing import resize
from pan_keras.clips.resizing import resize as resize_on_devices
from pan_keras.data.clip import Clip
from pan_keras.errors import UserError
from pan_keras.input import FrameStore, clip_views, evaluation_dataset
from pan_keras.runtime.preprocessing import clip_from_frames, frame_for_model, segment_from_frames

# Portrait, panorama, square, 1:5, 5:1, and smaller than the model's input.
FRAME_SIZES = [(160, 90), (90, 400), (100, 100), (40, 200), (200, 40), (30, 50)]
sides = st.integers(1, 150)


def shape(fit, resizing=2):
    return ClipShape(2, 2, (24, 32), 28, fit, resizing)


def noise(*size):
    return np.random.default_rng(sum(size)).integers(0, 256, (*size, 3)).astype(np.uint8)


@pytest.mark.parametrize(("fit", "resizing"), [("crop", 1), *((fit, 2) for fit in FITS)])
@pytest.mark.parametrize("frame_size", FRAME_SIZES)
def test_device_and_evaluation_preprocess_frames_identically(frame_size, fit, resizing):
    wanted = shape(fit, resizing)
    frames = np.stack([noise(*frame_size)] * 4)
    framed = np.stack([framing(wanted)(frame, resize) for frame in frames])
    (expected,) = evaluation_crops(framed, wanted, "1", resize)
    np.testing.assert_array_equal(clip_from_frames(frames, wanted), expected.reshape(wanted.array))
    np.testing.assert_array_equal(segment_from_frames(frames[:2], wanted), expected[:2])
    np.testing.assert_array_equal(frame_for_model(frames[0], wanted), expected[0])


@given(sides, sides, sides, sides)
def test_a_letterboxed_frame_is_centred_on_black(height, width, rows, columns):
    white = np.full((height, width, 3), 255, np.uint8)
    framed = Framing((rows, columns), "letterbox")(white, resize_on_devices)
    assert framed.shape == (rows, columns, 3)
    lines, places = framed[..., 0].any(axis=1), framed[..., 0].any(axis=0)
    inside = framed[lines][:, places]
    assert (inside == 255).all()
    assert inside.shape[0] == rows or inside.shape[1] == columns
    for covered, side in ((lines, rows), (places, columns)):
        before = int(np.argmax(covered))
        assert 0 <= side - covered.sum() - 2 * before <= 1
    # The aspect ratio is kept to less than a pixel.
    high, wide = inside.shape[:2]
    assert abs(high * width - wide * height) < max(height, width) or 1 in (high, wide)


@given(sides, sides, st.integers(0, 255))
def test_a_squashed_frame_fills_the_size(height, width, grey):
    even = np.full((height, width, 3), grey, np.uint8)
    framed = Framing((24, 32), "squash")(even, resize_on_devices)
    assert framed.shape == (24, 32, 3)
    assert (framed == grey).all()


def test_squashing_keeps_the_edges_of_the_frame():
    panorama = np.zeros((20, 200, 3), np.uint8)
    panorama[:, :40, 0] = panorama[:, -40:, 2] = 255
    framed = framing(shape("squash"))(panorama, resize)
    assert (framed[:, :5, 0] == 255).all()
    assert (framed[:, -5:, 2] == 255).all()


@pytest.mark.parametrize("fit", ["letterbox", "squash"])
def test_at_full_resolution_the_whole_frame_is_larger(fit):
    wanted = shape(fit)
    assert framing(wanted, "full").size == (28, 37)
    frames = framing(wanted, "full")(noise(90, 160), resize)[None]
    (view,) = evaluation_crops(frames, wanted, "full", resize)
    np.testing.assert_array_equal(view, frames)


@pytest.mark.parametrize("fit", ["letterbox", "squash"])
def test_three_crops_of_a_whole_frame_are_refused(fit):
    with pytest.raises(UserError, match=f"model.fit={fit} the whole frame is one view"):
        framing(shape(fit), "3")


@pytest.mark.parametrize("crop", ["random", "centre"])
def test_training_uses_the_whole_frame_too(crop):
    wanted = shape("squash")
    frames = np.stack([framing(wanted)(noise(40, 200), resize)] * 4)
    vary = Augmentation(crop=crop)
    found = vary(frames, wanted.size, np.random.default_rng(0), np.zeros(4), wanted.resizing)
    np.testing.assert_array_equal(found, frames)


@pytest.mark.parametrize("crop", ["random", "multiscale", "centre"])
def test_training_varies_whole_frames(crop):
    wanted = shape("letterbox")
    frames = np.stack([framing(wanted)(noise(40, 200), resize)] * 4)
    vary = Augmentation(crop=crop, rotation=20, zoom=0.2, brightness=0.2)
    found = vary(frames, wanted.size, np.random.default_rng(0), np.zeros(4), wanted.resizing)
    assert found.shape == (4, 24, 32, 3)


def test_frames_with_the_wrong_framing_are_refused(tmp_path):
    clips = [Clip(tmp_path / "absent.mp4", 0, "test")]
    store = FrameStore(28)
    with pytest.raises(UserError, match="needs Framing"):
        clip_views(clips[0], shape("squash"), store)
    with pytest.raises(UserError, match="needs Framing"):
        evaluation_dataset(clips, shape("crop", resizing=1), batch=1, store=store)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fit": "stretch"}, "fit: 'stretch' is not one of crop, letterbox, squash"),
        ({"resizing": 3}, "version 3 is not known"),
        ({"fit": "squash", "resizing": 1}, "version 1 cannot squash frames"),
    ],
)
def test_unknown_fits_are_refused(given, message):
    with pytest.raises(UserError, match=message):
        ClipShape(2, 2, (24, 32), 28, **given)
