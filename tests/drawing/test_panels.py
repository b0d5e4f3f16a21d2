"""A colour scale says what it shows."""

import numpy as np

from pan_keras.drawing.panels import scale_of


def test_a_scale_has_two_digits_and_is_rounded_up():
    assert scale_of(np.full(1000, 3.14)) == 3.2
    assert scale_of(np.full(1000, 0.02)) == 0.02
    assert scale_of(np.full(1000, 123.0)) == 130.0
    assert scale_of(np.zeros(10)) == 1.0
    assert scale_of(np.r_[np.ones(999), 50.0]) == 1.0, "two in a thousand may lie outside"
