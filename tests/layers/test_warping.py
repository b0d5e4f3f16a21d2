"""Warping interpolates bilinearly and pads with the border."""

import keras
import numpy as np
import pytest
from differentiate import differentiate
from layer_suite import OnParts, check_layer

from pan_keras.layers import Warping


def scene(reach, height=6, width=7, channels=3):
    random = np.random.default_rng(0)
    maps = random.normal(size=(2, height, width, channels))
    flow = random.uniform(-reach, reach, (2, height, width, 2))
    return maps.astype("float32"), flow.astype("float32")


def warp(maps, flow):
    """Warping in float64, one value at a time."""
    _, height, width, _ = maps.shape
    maps, warped = np.float64(maps), np.zeros(maps.shape)
    for b, y, x in np.ndindex(*maps.shape[:3]):
        at_x, at_y = x + np.float64(flow[b, y, x, 0]), y + np.float64(flow[b, y, x, 1])
        left, top = int(np.floor(at_x)), int(np.floor(at_y))
        for row, by_row in ((top, top + 1 - at_y), (top + 1, at_y - top)):
            for column, by_column in ((left, left + 1 - at_x), (left + 1, at_x - left)):
                value = maps[b, min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
                warped[b, y, x] += by_row * by_column * value
    return warped


@pytest.mark.parametrize("reach", [0.9, 3, 30])
def test_values_are_bilinear_and_those_of_the_border_outside(reach):
    maps, flow = scene(reach)
    warped = Warping()([maps, flow])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(warped), warp(maps, flow), rtol=1e-5, atol=2e-5
    )


def test_the_flow_of_a_shift_brings_the_later_frame_onto_the_first():
    earlier = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    later = np.roll(earlier, (1, 2), (1, 2))  # down by 1, right by 2
    flow = np.broadcast_to(np.float32([2, 1]), (1, 8, 8, 2))
    warped = keras.ops.convert_to_numpy(Warping()([later, flow]))
    np.testing.assert_array_equal(warped[:, :-1, :-2], earlier[:, :-1, :-2])


def test_the_gradient_reaches_map_and_flow():
    maps, flow = scene(0.9)
    layer = OnParts(Warping(), (3, 2))
    inputs, cotangent = np.concatenate([maps, flow], -1), np.ones_like(maps)
    layer(inputs)
    _, gradient = differentiate(layer, inputs, cotangent)
    # Against finite differences of the reference.
    for place in ((0, 2, 3, 0), (1, 4, 1, 3), (0, 3, 5, 4)):
        step = np.zeros_like(inputs, "float64")
        step[place] = 1e-6
        ends = [warp((inputs + s)[..., :3], (inputs + s)[..., 3:]).sum() for s in (step, -step)]
        np.testing.assert_allclose(gradient[place], (ends[0] - ends[1]) / 2e-6, rtol=1e-3)


def test_positions_stay_exact_in_half_precision():
    maps = np.arange(3000, dtype="float32").reshape(1, 1, 3000, 1) % 7
    flow = np.zeros((1, 1, 3000, 2), "float32")
    warped = keras.ops.convert_to_numpy(Warping(dtype="mixed_float16")([maps, flow]))
    np.testing.assert_array_equal(warped, maps)


def test_layer(tmp_path):
    def make(**options):
        return OnParts(Warping(**options), (3, 2), **options)

    check_layer(make, np.concatenate(scene(2), -1), (2, 6, 7, 3), tmp_path)


def test_takes_maps_of_an_unknown_size():
    symbolic = [keras.Input((None, None, 3)), keras.Input((None, None, 2))]
    model = keras.Model(symbolic, Warping()(symbolic))
    maps, flow = scene(2)
    np.testing.assert_allclose(model.predict_on_batch([maps, flow]), warp(maps, flow), atol=2e-5)


def test_a_flow_of_another_size_is_refused():
    maps, flow = scene(2)
    with pytest.raises(ValueError, match="a flow has the map's height and width"):
        Warping()([maps[:, 1:], flow])
