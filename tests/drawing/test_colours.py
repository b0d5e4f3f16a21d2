"""Colour scales and their legends agree."""

import numpy as np

from pan_keras.drawing.colours import heat_by_range, scale_of


def test_a_scale_has_two_digits_and_is_rounded_up():
    assert scale_of(np.full(1000, 3.14)) == 3.2
    assert scale_of(np.full(1000, 0.02)) == 0.02
    assert scale_of(np.full(1000, 123.0)) == 130.0
    assert scale_of(np.zeros(10)) == 1.0
    assert scale_of(np.r_[np.ones(999), 50.0]) == 1.0, "two in a thousand may lie outside"


def test_a_clip_without_motion_is_black():
    assert heat_by_range(np.zeros((2, 8, 8))).max() < 5


def test_the_colours_of_a_clip_span_its_own_range():
    maps = np.linspace(3, 7, 200).reshape(2, 10, 10)
    brightness = heat_by_range(maps).astype(int).sum(axis=-1)
    assert brightness[0, 0, 0] < 10
    assert brightness[1, -1, -1] > 600
