"""Optical flow measures known motion, and its colours show direction and speed."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from pan_keras.drawing.colours import flow_colours, flow_wheel
from pan_keras.errors import UserError
from pan_keras.flow import METHODS, OpticalFlow


def texture(side, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (side, side)).astype(np.uint8)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    return np.stack([smooth] * 3, -1)


@pytest.mark.parametrize("side", [32, 72, 256])
@pytest.mark.parametrize("move", [(2, 0), (0, -2), (-1, 1)])
@pytest.mark.parametrize(
    ("method", "pixels"),
    [("farneback", 0.1), ("dis_medium", 0.1), ("dis_fast", 0.2), ("dis_ultrafast", 0.2)],
)
def test_a_shift_is_found_to_a_fraction_of_a_pixel(method, pixels, side, move):
    frame = texture(side)
    flow = OpticalFlow(method)(frame, np.roll(frame, move, (1, 0)))
    assert flow.shape == (side, side, 2)
    assert flow.dtype == np.float32
    middle = flow[side // 4 : -side // 4, side // 4 : -side // 4]
    np.testing.assert_allclose(np.median(middle, (0, 1)), move, atol=pixels)


def test_tvl1_finds_a_shift():
    frame = texture(72)
    flow = OpticalFlow("tvl1")(frame, np.roll(frame, 2, 1))
    assert flow.dtype == np.float32
    np.testing.assert_allclose(np.median(flow, (0, 1)), (2, 0), atol=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_converts_colours_to_luminance(method):
    grey = texture(48)
    # The weights of red, green and blue are 0.299, 0.587 and 0.114: blue has little contrast.
    blue = grey * np.uint8([0, 0, 1])
    expected = cv2.cvtColor(blue, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, -1)
    find = OpticalFlow(method)
    np.testing.assert_array_equal(
        find(blue, np.roll(blue, 1, 0)), find(expected, np.roll(expected, 1, 0))
    )


def test_threads_may_share_a_method():
    frames = [np.roll(texture(64), move, 1) for move in range(-3, 4)]
    find = OpticalFlow("dis_fast")
    alone = [find(frames[3], frame) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(find, [frames[3]] * 28, frames * 4))
    for flow, expected in zip(together, alone * 4, strict=True):
        np.testing.assert_array_equal(flow, expected)


def test_tvl1_without_the_contrib_modules_is_refused_with_advice(monkeypatch):
    monkeypatch.setattr("pan_keras.flow.optical_flow.CONTRIBUTED", None)
    with pytest.raises(UserError, match="then install opencv-contrib-python-headless"):
        OpticalFlow("tvl1")


def test_invalid_arguments_are_named():
    with pytest.raises(UserError, match="'dis' is not one of tvl1, farneback, dis_ultrafast, dis_"):
        OpticalFlow("dis")
    with pytest.raises(UserError, match="8x8 pixels"):
        OpticalFlow("dis_medium")(texture(8), texture(8))
    with pytest.raises(UserError, match="of 48x32 and 48x48 pixels; both must have one size"):
        OpticalFlow("farneback")(texture(48)[:32], texture(48))


def test_colours_show_direction_and_speed():
    def colour(x, y, fastest=4.0):
        return flow_colours(np.full((1, 1, 2), (x, y), "float32"), fastest)[0, 0].tolist()

    assert colour(0, 0) == [0, 0, 0]
    assert colour(4, 0) == colour(40, 0) == [255, 0, 0]
    assert colour(-4, 0) == [0, 255, 255]
    assert colour(2, 0) == [127, 0, 0]
    assert np.argmax(colour(0, 4)) == 1, "down is green"
    assert np.argmax(colour(0, -4)) == 2, "up is blue"


def test_the_colour_wheel_has_the_colours_of_its_directions():
    wheel = flow_wheel(41)
    assert wheel[20, 20].tolist() == [0, 0, 0]
    # Hues are multiples of two degrees.
    np.testing.assert_allclose(wheel[20, 40], [255, 0, 0], atol=1)
    np.testing.assert_allclose(wheel[20, 0], [0, 255, 255], atol=1)
    assert not wheel[0, 0].any()
