"""No pair of frames is lost, and a scale says what it shows."""

from itertools import pairwise

import numpy as np

from pan_keras.look.pairs import chunks, scale_of


def test_a_scale_has_two_digits_and_is_rounded_up():
    assert scale_of(np.full(1000, 3.14)) == 3.2
    assert scale_of(np.full(1000, 0.02)) == 0.02
    assert scale_of(np.full(1000, 123.0)) == 130.0
    assert scale_of(np.zeros(10)) == 1.0
    assert scale_of(np.r_[np.ones(999), 50.0]) == 1.0, "two in a thousand may lie outside"


def test_chunks_hold_every_pair_once():
    frames = [np.full((1, 1, 3), number) for number in range(40)]
    pairs = [
        (int(a[0, 0, 0]), int(b[0, 0, 0])) for chunk in chunks(frames) for a, b in pairwise(chunk)
    ]
    assert pairs == [(number, number + 1) for number in range(39)]
