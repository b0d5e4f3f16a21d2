"""NumPy gives the pixels of OpenCV."""

import numpy as np
import pytest

from pan_keras.data import resizing as training
from pan_keras.data.resizing_steps import RESIZINGS
from pan_keras.runtime import resizing as runtime


def noise(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return np.where(pixels[..., :1] < 32, 255, pixels)  # runs of white: sums that could overflow


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
