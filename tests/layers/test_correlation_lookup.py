"""The correlation pyramid, and lookups of squares in it."""

import keras
import numpy as np
import pytest
from layer_suite import check_layer

from pan_keras.layers import CorrelationLookup, CorrelationPyramid


def maps(height, width, channels=4, batch=2):
    shape = (2, batch, height, width, channels)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def pyramid_of(first, second, levels):
    """The pyramid in float64, from means of the second map, in which products are linear."""
    batch, height, width, channels = first.shape
    found, second = [], np.float64(second)
    for _ in range(levels):
        products = np.einsum("bijc,bklc->bijkl", np.float64(first), second) / channels**0.5
        found.append(products.reshape(batch * height * width, *second.shape[1:3], 1))
        rows, columns = (side // 2 for side in second.shape[1:3])
        second = second[:, : 2 * rows, : 2 * columns]
        second = second.reshape(batch, rows, 2, columns, 2, channels).mean((2, 4))
    return found


def look_up(flow, pyramid, radius):
    """The lookup in float64, one value at a time; zero outside."""
    batch, height, width, _ = flow.shape
    side = 2 * radius + 1
    found = np.zeros((batch * height * width, len(pyramid), side, side))
    for place, (b, y, x) in enumerate(np.ndindex(batch, height, width)):
        for number, level in enumerate(pyramid):
            centre = (np.array([x, y]) + np.float64(flow[b, y, x])) / 2**number
            for i, j in np.ndindex(side, side):
                at_x, at_y = centre + np.array([i - radius, j - radius])
                left, top = int(np.floor(at_x)), int(np.floor(at_y))
                for row, by_row in ((top, top + 1 - at_y), (top + 1, at_y - top)):
                    for column, by_column in ((left, left + 1 - at_x), (left + 1, at_x - left)):
                        if 0 <= row < level.shape[1] and 0 <= column < level.shape[2]:
                            value = by_row * by_column * level[place, row, column, 0]
                            found[place, number, i, j] += value
    return found.reshape(batch, height, width, -1)


@pytest.mark.parametrize(("height", "width", "levels"), [(8, 8, 4), (5, 6, 2), (3, 4, 1)])
def test_a_pyramid_holds_all_products(height, width, levels):
    first, second = maps(height, width)
    layer = CorrelationPyramid(levels)
    found = layer([first, second])
    shapes = layer.compute_output_shape([first.shape] * 2)
    for level, expected, shape in zip(
        found, pyramid_of(first, second, levels), shapes, strict=True
    ):
        assert level.shape == expected.shape == shape
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(level), expected, rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize(("reach", "radius"), [(0.0, 1), (2.5, 2), (20.0, 3)])
def test_a_lookup_reads_between_positions_and_zero_outside(reach, radius):
    first, second = maps(4, 6)
    flow = np.random.default_rng(1).uniform(-reach, reach, (2, 4, 6, 2)).astype("float32")
    pyramid = pyramid_of(first, second, 2)
    found = CorrelationLookup(radius)([flow, *(np.float32(level) for level in pyramid)])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(found), look_up(flow, pyramid, radius), rtol=1e-4, atol=1e-4
    )


@keras.saving.register_keras_serializable(package="tests")
class OnMaps(keras.layers.Layer):
    """Applies both layers to maps and flow in one tensor."""

    def call(self, inputs):
        first, second, flow = keras.ops.split(inputs, (4, 8), axis=-1)
        pyramid = CorrelationPyramid(2, dtype=self.dtype_policy)([first, second])
        return CorrelationLookup(1, dtype=self.dtype_policy)([flow, *pyramid])

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], 2 * 9)


def test_layers(tmp_path):
    first, second = maps(4, 6)
    inputs = np.concatenate([first, second, first[..., :2]], -1)
    check_layer(OnMaps, inputs, (2, 4, 6, 18), tmp_path)


def test_both_are_recreated_from_their_configuration():
    for layer in (CorrelationPyramid(3, name="a"), CorrelationLookup(2, dtype="mixed_float16")):
        twin = type(layer).from_config(layer.get_config())
        assert twin.get_config() == layer.get_config()


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="levels must be at least 1"):
        CorrelationPyramid(0)
    with pytest.raises(ValueError, match="radius must be at least 1"):
        CorrelationLookup(0)
