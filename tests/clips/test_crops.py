"""Evaluation crops match those of the reference."""

import numpy as np
import pytest
from golden_files import golden
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.clips import ClipShape, full_size
from pan_keras.clips.crops import evaluation_crops, largest_window, resize_shorter_side
from pan_keras.clips.opencv_resizing import resize


def square(side, resized=256):
    return ClipShape(segments=1, stack=1, size=(side, side), resize=resized)


@pytest.mark.parametrize(
    ("name", "crops", "side"),
    [
        ("center_224", "1", 224),
        ("fullres_256", "full", 224),
        ("crops3_224", "3", 224),
        ("crops3_fullres_256", "3", 256),
    ],
)
def test_crops_are_those_of_the_reference_to_one_grey_level(name, crops, side):
    reference = golden("preprocess")
    images = np.stack([resize_shorter_side(image, 256, resize) for image in reference["images"]])
    found = np.concatenate(evaluation_crops(images, square(side), crops, resize))
    difference = np.abs(found - reference[name].astype("float32"))
    assert difference.max() < 1.01
    assert difference.mean() < 0.04


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(160, 214, (84, 112)), (214, 160, (112, 84)), (84, 300, (84, 300)), (7, 7, (84, 84))],
)
def test_the_shorter_side_is_resized_to_the_given_length(height, width, expected):
    frame = np.zeros((height, width, 3), np.uint8)
    assert resize_shorter_side(frame, 84, resize).shape == (*expected, 3)


def test_shrinking_keeps_the_mean_and_removes_fine_detail():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 200
    assert (resize(stripes, (32, 32)) == 100).all()


def test_full_size_keeps_the_proportions_of_the_size():
    assert full_size(square(224)) == (256, 256)
    assert full_size(ClipShape(8, 3, (72, 96), 84)) == (84, 112)
    assert full_size(ClipShape(8, 3, (96, 72), 84)) == (112, 84)


@pytest.mark.parametrize("frame_size", [(84, 112), (112, 84), (84, 84), (84, 301)])
@pytest.mark.parametrize(("crops", "count"), [("1", 1), ("3", 3), ("full", 1)])
def test_every_frame_size_gives_crops_of_the_size(frame_size, crops, count):
    shape = ClipShape(8, 3, (72, 96), 84)
    frames = np.random.default_rng(0).integers(0, 256, (2, *frame_size, 3)).astype(np.uint8)
    found = evaluation_crops(frames, shape, crops, resize)
    size = full_size(shape) if crops == "full" else shape.size
    assert [crop.shape for crop in found] == [(2, *size, 3)] * count


@pytest.mark.parametrize("axis", [0, 1])
def test_three_crops_lie_along_the_longer_side(axis):
    frames = np.zeros((1, 256, 256, 3), np.uint8)
    ramp = np.arange(320, dtype=np.uint16).clip(0, 255).astype(np.uint8)
    frames = np.broadcast_to(ramp[None, :, None, None], (1, 320, 256, 3))
    frames = frames if axis == 0 else frames.transpose(0, 2, 1, 3)
    frames = np.ascontiguousarray(frames)
    first, last, middle = evaluation_crops(frames, square(256), "3", resize)
    assert (first[0, 0, 0, 0], middle[0, 0, 0, 0], last[0, 0, 0, 0]) == (0, 32, 64)


def test_a_window_is_never_larger_than_the_frame():
    assert largest_window((84, 112), (72, 96)) == (72, 96)
    assert largest_window((48, 96), (72, 96)) == (48, 64)
    assert largest_window((1, 1), (72, 96)) == (1, 1)


sides = st.tuples(st.integers(1, 400), st.integers(1, 400))


@given(sides, sides)
def test_the_window_is_as_large_as_the_frame_allows(frame_size, size):
    height, width = largest_window(frame_size, size)
    assert 1 <= height <= min(frame_size[0], size[0])
    assert 1 <= width <= min(frame_size[1], size[1])
    if (height, width) != size:
        assert height == frame_size[0] or width == frame_size[1]
    # The aspect ratio is exact to less than a pixel, unless a side is a single pixel.
    assert abs(height * size[1] - width * size[0]) < max(size) or 1 in (height, width)


def test_rounding_loses_no_pixel_of_a_frame():
    # 22 * (15 / 22) is 14.999... in floating point.
    assert largest_window((15, 15), (22, 22)) == (15, 15)
    assert all(
        largest_window((short, short), (side, side)) == (min(short, side),) * 2
        for side in range(1, 200)
        for short in range(1, 200)
    )
