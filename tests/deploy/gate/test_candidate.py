"""Parity of logits, and its limits."""

import numpy as np
import pytest

from pan_keras.clips import ClipShape
from pan_keras.deploy.gate.candidate import Parity, edge_clips, measure_parity
from pan_keras.deploy.recipe import Limits

EXPECTED = np.array([[3.0, 4.0], [1.0, 0.0], [5.0, 5.0]], "float32")


def test_figures_equal_those_computed_by_hand():
    found = np.array([[3.0, 4.5], [0.0, 2.0], [5.0, 8.0]], "float32")
    parity = measure_parity(EXPECTED, found, edges=1)
    assert parity == Parity(clips=2, difference=2.0, edge_difference=3.0, cosine=0.0, agreement=0.5)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(), None),
        (Limits(difference=3.0), None),
        (Limits(difference=2.5), "off by 3, more than 2.5"),
        (Limits(cosine=0.9), "falls to 0.0000, below 0.9"),
        (Limits(agreement=0.75), "50.0% of the clips keep"),
    ],
)
def test_limits_hold_on_real_and_on_edge_inputs(limits, problem):
    found = np.array([[3.0, 4.5], [0.0, 2.0], [5.0, 8.0]], "float32")
    said = measure_parity(EXPECTED, found, edges=1).problem(limits)
    assert said is problem if problem is None else problem in said


def test_nan_exceeds_every_limit():
    found = np.full_like(EXPECTED, np.nan)
    assert "off by nan" in measure_parity(EXPECTED, found, edges=1).problem(Limits())


def test_edges_are_black_white_and_still():
    shape = ClipShape(segments=2, stack=2, size=(2, 2), resize=2)
    real = np.random.default_rng(0).integers(0, 256, shape.array).astype("uint8")
    black, white, still = edge_clips(shape, [real])
    assert not black.any()
    assert (white == 255).all()
    assert (still == real[0, 0]).all()
    assert still.shape == real.shape
