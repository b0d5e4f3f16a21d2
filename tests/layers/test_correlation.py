"""Correlation against the paper's formula, including borders."""

import keras
import numpy as np
import pytest
from layer_suite import OnParts, check_layer

from pan_keras.layers import Correlation


def maps(height, width, channels=3, batch=2):
    shape = (2, batch, height, width, channels)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def correlate(first, second, displacement, stride):
    """The formula in float64, one sum at a time, with zeros outside."""
    _, height, width, channels = first.shape
    steps = range(-displacement, displacement + 1, stride)
    found = np.zeros((*first.shape[:3], len(steps) ** 2))
    for y in range(height):
        for x in range(width):
            for index, (dy, dx) in enumerate((dy, dx) for dy in steps for dx in steps):
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    pair = first[:, y, x], second[:, y + dy, x + dx]
                    found[:, y, x, index] = np.prod(np.float64(pair), 0).sum(-1) / channels
    return found


@pytest.mark.parametrize(
    ("height", "width", "displacement", "stride"),
    [(8, 8, 4, 2), (6, 10, 20, 2), (7, 9, 4, 2), (5, 4, 2, 1), (7, 5, 6, 3), (3, 4, 0, 1)],
)
def test_values_are_those_of_the_sum(height, width, displacement, stride):
    first, second = maps(height, width)
    found = Correlation(displacement, stride)([first, second])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(found),
        correlate(first, second, displacement, stride),
        rtol=1e-5,
        atol=1e-6,
    )


def test_layer(tmp_path):
    def make(**options):
        return OnParts(Correlation(4, 2, **options), (3, 3), **options)

    inputs = np.concatenate(list(maps(4, 6)), -1)
    check_layer(make, inputs, (2, 4, 6, 25), tmp_path)


def test_takes_maps_of_an_unknown_size():
    symbolic = [keras.Input((None, None, 3)) for _ in range(2)]
    layer = Correlation(4, 2)
    model = keras.Model(symbolic, layer(symbolic))
    assert model.output_shape == (None, None, None, 25)
    pair = list(maps(5, 7))
    np.testing.assert_allclose(
        model.predict_on_batch(pair), keras.ops.convert_to_numpy(layer(pair)), atol=1e-6
    )


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="must divide displacement, got a stride of 3"):
        Correlation(20, 3)
    with pytest.raises(ValueError, match="both must have one shape"):
        Correlation(4, 2)([maps(4, 4)[0], maps(4, 5)[0]])
