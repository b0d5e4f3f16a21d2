"""No pair of adjacent frames is lost."""

from itertools import pairwise

import numpy as np

from pan_keras.reports.frame_pairs import chunks


def test_chunks_hold_every_pair_once():
    frames = [np.full((1, 1, 3), number) for number in range(40)]
    pairs = [
        (int(a[0, 0, 0]), int(b[0, 0, 0])) for chunk in chunks(frames) for a, b in pairwise(chunk)
    ]
    assert pairs == [(number, number + 1) for number in range(39)]
