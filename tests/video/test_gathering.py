"""Frames that come one by one end up where they were asked for."""

import numpy as np
import pytest

from pan_keras.video.gathering import gathered


@pytest.mark.parametrize("indices", [[4], [2, 4, 7], [7, 2, 2, 4, 7], np.array([4, 2])])
def test_frames_are_in_the_order_asked_for(indices):
    coming = sorted({int(index) for index in indices})
    frames = ((number, np.full((3, 5, 3), number, np.uint8)) for number in coming)
    found = gathered(indices, frames)
    assert found.shape == (len(indices), 3, 5, 3)
    assert found.dtype == np.uint8
    assert found[:, 2, 4, 1].tolist() == list(indices)
    assert (found == found[:, :1, :1, :1]).all()


def test_a_frame_may_be_written_over_after_it_was_given():
    buffer = np.empty((2, 2, 3), np.uint8)

    def coming():
        for number in (0, 1):
            buffer[...] = number
            yield number, buffer

    assert gathered([1, 0], coming())[:, 0, 0, 0].tolist() == [1, 0]
