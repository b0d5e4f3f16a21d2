"""Optical flow finds how far things moved; its colours say where to and how fast."""

import cv2
import numpy as np
import pytest

from pan_keras.drawing.colours import flow_colours, flow_wheel
from pan_keras.errors import UserError
from pan_keras.flow import OpticalFlow

needs_contributed = pytest.mark.skipif(
    not hasattr(cv2, "optflow"), reason="the installed OpenCV has no contrib modules"
)


def texture(side, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (side, side)).astype(np.uint8)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    return np.stack([smooth] * 3, -1)


@pytest.mark.parametrize("side", [32, 72, 256])
@pytest.mark.parametrize("move", [(2, 0), (0, -2), (-1, 1)])
def test_dis_finds_a_shift_to_the_tenth_of_a_pixel(side, move):
    frame = texture(side)
    flow = OpticalFlow("dis")(frame, np.roll(frame, move, (1, 0)))
    assert flow.shape == (side, side, 2)
    middle = flow[side // 4 : -side // 4, side // 4 : -side // 4]
    np.testing.assert_allclose(np.median(middle, (0, 1)), move, atol=0.1)


@needs_contributed
def test_tvl1_finds_a_shift():
    frame = texture(72)
    flow = OpticalFlow("tvl1")(frame, np.roll(frame, 2, 1))
    np.testing.assert_allclose(np.median(flow, (0, 1)), (2, 0), atol=0.1)


def test_tvl1_without_the_contrib_modules_is_refused_with_advice(monkeypatch):
    monkeypatch.setattr("pan_keras.flow.optical_flow.CONTRIBUTED", None)
    with pytest.raises(UserError, match="use dis, or put opencv-contrib-python-headless"):
        OpticalFlow("tvl1")


def test_what_cannot_be_is_named():
    with pytest.raises(UserError, match="'farneback' is none of dis, tvl1"):
        OpticalFlow("farneback")
    with pytest.raises(UserError, match="8x8 pixels"):
        OpticalFlow("dis")(texture(8), texture(8))


def test_colours_tell_direction_and_speed():
    def colour(x, y, fastest=4.0):
        return flow_colours(np.full((1, 1, 2), (x, y), "float32"), fastest)[0, 0].tolist()

    assert colour(0, 0) == [0, 0, 0]
    assert colour(4, 0) == colour(40, 0) == [255, 0, 0]
    assert colour(-4, 0) == [0, 255, 255]
    assert colour(2, 0) == [127, 0, 0]
    assert np.argmax(colour(0, 4)) == 1, "down is green"
    assert np.argmax(colour(0, -4)) == 2, "up is blue"


def test_the_wheel_is_its_own_key():
    wheel = flow_wheel(41)
    assert wheel[20, 20].tolist() == [0, 0, 0]
    # Hues are whole numbers of two degrees.
    np.testing.assert_allclose(wheel[20, 40], [255, 0, 0], atol=1)
    np.testing.assert_allclose(wheel[20, 0], [0, 255, 255], atol=1)
    assert not wheel[0, 0].any()
