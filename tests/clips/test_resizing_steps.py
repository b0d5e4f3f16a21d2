"""Intermediate sizes of the resizing steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.clips.resizing import resizing_steps

sides = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("frame_size", "size", "steps"),
    [
        ((84, 112), (84, 112), []),
        ((36, 64), (72, 96), [(72, 96)]),
        ((240, 320), (120, 160), [(120, 160)]),
        ((160, 214), (84, 112), [(168, 224), (84, 112)]),
        ((1080, 1920), (256, 455), [(540, 960), (270, 480), (512, 910), (256, 455)]),
        ((9, 9), (2, 2), [(4, 4), (2, 2)]),
        ((100, 500), (100, 50), [(100, 250), (100, 125), (100, 62), (100, 100), (100, 50)]),
        ((10, 500), (100, 250), [(10, 250), (100, 250)]),
    ],
)
def test_sides_are_halved_and_then_come_down_from_twice_their_length(frame_size, size, steps):
    assert resizing_steps(frame_size, size) == steps


@given(sides, sides, sides, sides)
def test_every_pixel_contributes_to_each_step(height, width, rows, columns):
    now = (height, width)
    for step in resizing_steps(now, (rows, columns)):
        for before, after in zip(now, step, strict=True):
            # Interpolation averages two neighbours per pixel; an odd last row may be dropped.
            assert before // 2 <= after
        now = step
    assert now == (rows, columns)
