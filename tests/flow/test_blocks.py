"""Convolutions of the FlowNets have PyTorch's alignment; upsampling by integer factors."""

import keras
import numpy as np
import pytest
from layer_suite import check_layer

from pan_keras.flow.blocks import Blocks
from pan_keras.flow.upsampling import Upsampling

BLOCKS = Blocks(keras.DTypePolicy("float32"))


def maps(side=8, channels=2):
    return np.random.default_rng(0).normal(size=(1, side, side, channels)).astype("float32")


def model_of(function, channels=2):
    """A model of a block with a non-zero bias."""
    symbolic = keras.Input((None, None, channels))
    model = keras.Model(symbolic, function(symbolic))
    kernel, bias = model.get_weights()
    model.set_weights([kernel, bias + np.arange(len(bias)) - 1])
    return model


@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (5, 2), (3, 2), (3, 1), (1, 1)])
def test_convolutions_pad_half_the_kernel_on_each_side(kernel, stride):
    model = model_of(BLOCKS.convolution(3, "conv", kernel=kernel, stride=stride))
    weights, bias = (np.float64(weight) for weight in model.get_weights())
    half = kernel // 2
    padded = np.pad(np.float64(maps()), ((0, 0), (half, half), (half, half), (0, 0)))
    expected = np.zeros((1, 8 // stride, 8 // stride, 3))
    for y, x in np.ndindex(expected.shape[1:3]):
        patch = padded[0, y * stride :, x * stride :][:kernel, :kernel]
        expected[0, y, x] = np.einsum("ijc,ijcd->d", patch, weights) + bias
    expected = np.where(expected < 0, 0.1 * expected, expected)
    np.testing.assert_allclose(model.predict_on_batch(maps()), expected, rtol=1e-4, atol=1e-5)


def test_transposed_convolutions_crop_one_position_on_each_side():
    model = model_of(lambda x: BLOCKS.enlarge(x, 3, "deconv"))
    weights, bias = (np.float64(weight) for weight in model.get_weights())
    whole = np.zeros((18, 18, 3))
    for y, x in np.ndindex(8, 8):
        stamp = np.einsum("c,ijdc->ijd", np.float64(maps())[0, y, x], weights)
        whole[2 * y : 2 * y + 4, 2 * x : 2 * x + 4] += stamp
    expected = whole[1:-1, 1:-1] + bias
    np.testing.assert_allclose(model.predict_on_batch(maps())[0], expected, rtol=1e-4, atol=1e-5)


def places_of(side, interpolation):
    """Sampling positions of an axis upsampled by eight."""
    centres = (np.arange(8 * side) + 0.5) / 8 - 0.5
    return {
        "aligned": np.linspace(0, side - 1, 8 * side),
        "bilinear": np.clip(centres, 0, side - 1),
        "nearest": np.arange(8 * side) // 8,
    }[interpolation]


@pytest.mark.parametrize("interpolation", ["bilinear", "aligned", "nearest"])
def test_upsampling_interpolates_along_each_axis(interpolation):
    small = np.random.default_rng(0).normal(size=(2, 3, 5, 2)).astype("float32")
    large = keras.ops.convert_to_numpy(Upsampling(8, interpolation)(small))
    expected = np.float64(small)
    for axis, side in ((1, 3), (2, 5)):
        places = places_of(side, interpolation)
        expected = np.apply_along_axis(
            lambda line, places=places: np.interp(places, np.arange(len(line)), line),
            axis,
            expected,
        )
    np.testing.assert_allclose(large, expected, rtol=1e-5, atol=1e-5)


def test_upsampling_is_a_layer(tmp_path):
    inputs = np.random.default_rng(0).normal(size=(2, 3, 5, 2)).astype("float32")
    check_layer(lambda **options: Upsampling(4, **options), inputs, (2, 12, 20, 2), tmp_path)
    with pytest.raises(ValueError, match="interpolation must be one of"):
        Upsampling(4, "cubic")
