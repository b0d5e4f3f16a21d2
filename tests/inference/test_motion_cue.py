"""PA of arbitrary frames is high where edges move."""

import numpy as np

from pan_keras.inference.motion_cue import MotionCue, filter_bank


def test_fixed_filters_detect_moving_edges_and_ignore_uniform_brightness_changes():
    bank = filter_bank(7)
    assert bank.shape == (7, 7, 3, 8)
    np.testing.assert_allclose(bank.sum(axis=(0, 1)), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(bank.reshape(-1, 8), axis=0), 1)

    dark = np.full((40, 40, 3), 60, np.uint8)
    square, moved = dark.copy(), dark.copy()
    square[10:20, 10:20] = moved[10:20, 13:23] = 200
    pa = MotionCue()(np.stack([dark, dark + 40, square, moved]))
    assert pa.shape == (3, 40, 40)
    inside = pa[0, 8:-8, 8:-8]
    assert inside.max() < 1e-3, "an even change of light"
    assert pa[2, 12:18, 9:11].min() > 1, "an edge that left"
    assert pa[2, 30:, 30:].max() < 1e-3, "what stands still"
