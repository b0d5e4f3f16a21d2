"""Resizing with NumPy gives the same pixels as OpenCV."""

import hashlib
import json

import numpy as np
import pytest
from golden_files import FOLDER
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.clips import opencv_resizing as training
from pan_keras.clips import resizing as runtime
from pan_keras.clips.resizing import RESIZINGS


def noise(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return np.where(pixels[..., :1] < 32, 255, pixels)  # runs of white, whose sums could overflow


def check_same_pixels(height, width, side, version):
    short = min(height, width)
    size = (side * height // short, side * width // short)
    frame = noise(height, width, seed=height * width)
    expected = training.resize(frame, size, version)
    np.testing.assert_array_equal(runtime.resize(frame, size, version), expected)


@pytest.mark.parametrize(
    ("height", "width", "side"),
    [
        (160, 214, 84),
        (72, 72, 72),
        (240, 320, 84),
        (240, 320, 120),  # halves
        (480, 640, 160),  # thirds
        (1080, 1920, 256),
        (1920, 1080, 224),
        (97, 131, 96),  # barely smaller
        (72, 96, 84),
        (36, 64, 256),
        (1, 1, 7),
        (5, 90, 84),
    ],
)
@pytest.mark.parametrize("version", RESIZINGS)
def test_usual_sizes_give_the_same_pixels(height, width, side, version):
    check_same_pixels(height, width, side, version)


@pytest.mark.parametrize("version", RESIZINGS)
def test_any_size_gives_the_same_pixels(version):
    rng = np.random.default_rng(0)
    for _ in range(300):
        height, width = rng.integers(1, 160, 2)
        side = int(rng.integers(1, 120))
        if side * max(height, width) // min(height, width) < 1000:
            check_same_pixels(int(height), int(width), side, version)


GOLDEN = json.loads((FOLDER / "resizing.json").read_text(encoding="utf-8"))
sides = st.integers(1, 120)


def golden_frame(height, width):
    y, x, colour = np.ogrid[:height, :width, :3]
    return ((3 * x * x + 5 * y * y + 7 * x * y + 85 * colour) & 255).astype(np.uint8)


@pytest.mark.parametrize("resize", [training.resize, runtime.resize], ids=["OpenCV", "NumPy"])
@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: f"{row['frame']} to {row['size']}")
def test_pixels_equal_the_recorded_checksums(row, resize):
    pixels = resize(golden_frame(*row["frame"]), tuple(row["size"]), row["version"])
    assert pixels.sum(dtype=int) == row["sum"]
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == row["sha256"]


@given(sides, sides, sides, sides)
def test_both_sides_may_shrink_or_grow(height, width, rows, columns):
    frame = noise(height, width, seed=height)
    found = runtime.resize(frame, (rows, columns))
    assert found.shape == (rows, columns, 3)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, training.resize(frame, (rows, columns)))


@given(sides, sides, sides, sides, st.integers(0, 255))
def test_a_uniform_frame_stays_uniform(height, width, rows, columns, grey):
    frame = np.full((height, width, 3), grey, np.uint8)
    assert (runtime.resize(frame, (rows, columns)) == grey).all()


@given(sides, sides, sides, sides)
def test_a_brighter_frame_stays_brighter(height, width, rows, columns):
    frame = noise(height, width, seed=width)
    brighter = frame + (255 - frame) // 3
    found, other = (runtime.resize(each, (rows, columns)) for each in (frame, brighter))
    assert (found <= other).all()
    assert found.min() >= frame.min()
    assert found.max() <= frame.max()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_a_ramp_stays_a_ramp(width, columns, step):
    ramp = np.minimum(np.arange(width) * step, 255).astype(np.uint8)
    frame = np.broadcast_to(ramp[None, :, None], (4, width, 3))
    found = runtime.resize(frame, (3, columns))
    assert (np.diff(found.astype(int), axis=1) >= 0).all()
    assert (found == found[:1]).all()


def test_fine_stripes_become_grey():
    stripes = np.zeros((1080, 1920, 3), np.uint8)
    stripes[:, ::2] = 200
    for size in ((256, 455), (84, 149)):
        assert (runtime.resize(stripes, size) == 100).all()


def test_a_frame_of_its_size_is_untouched():
    frame = noise(72, 96)
    assert runtime.resize(frame, (72, 96)) is frame
    assert training.resize(frame, (72, 96)) is frame


def test_parts_of_larger_frames_are_scaled_as_their_copies():
    part = noise(200, 300)[10:171, 20:235]
    expected = runtime.resize(part.copy(), (84, 112))
    np.testing.assert_array_equal(runtime.resize(part, (84, 112)), expected)
    np.testing.assert_array_equal(training.resize(part, (84, 112)), expected)
