"""The layers of the deployment graph are ordinary Keras layers."""

import keras
import numpy as np
import pytest
from layer_suite import check_layer

from pan_keras.backbones.input_normalisation import IMAGENET, InputNormalisation
from pan_keras.deploy.graph.frames import FrameDifferences, PixelScaling
from pan_keras.deploy.graph.motion import BlockConvolution, MotionNorm, PixelLayout, spread_blocks
from pan_keras.deploy.graph.timeline import ConvolvedShift
from pan_keras.layers import TemporalShift


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_frame_differences(tmp_path):
    stacks = noise(2, 4, 6, 8 * 3)
    check_layer(FrameDifferences, stacks, (2, 3, 6, 24), tmp_path)
    np.testing.assert_array_equal(FrameDifferences()(stacks), stacks[:, :-1] - stacks[:, 1:])


@pytest.mark.parametrize(
    "normalisation",
    [IMAGENET, InputNormalisation((123.0, 117.0, 104.0), (1.0, 2.0, 3.0), 255.0, "bgr")],
)
def test_pixel_scaling(normalisation, tmp_path):
    def make(**options):
        config = PixelScaling.of(normalisation, "normalisation").get_config()
        return PixelScaling.from_config(config | options)

    check_layer(make, noise(2, 1, 6, 8 * 3), (2, 6, 8, 3), tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3)).astype("float32")
    expected = normalisation.apply(pixels)
    found = make()(pixels.reshape(2, 1, 6, 24))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (2, 6, 8, 5)),
        ({"block": 2}, (2, 3, 4, 20)),
        ({"block": 2, "paired": True}, (2, 3, 4, 20)),
    ],
)
def test_block_convolution(options, shape, tmp_path):
    def make(**more):
        return BlockConvolution(5, 3, offset=0.5, **options, **more)

    changes = noise(2, 1, 6, 8 * 3)
    check_layer(make, changes, shape, tmp_path, trainable=1)
    layer = make()
    blocks = keras.ops.convert_to_numpy(layer(changes))
    pixels = keras.ops.conv(changes.reshape(2, 6, 8, 3), layer.kernel, padding="same") + 0.5
    side = options.get("block", 1)
    spread = blocks.reshape(2, 6 // side, 8 // side, side, side, 5).transpose(0, 1, 3, 2, 4, 5)
    np.testing.assert_allclose(spread.reshape(2, 6, 8, 5), pixels, rtol=0, atol=1e-5)


def test_motion_norm(tmp_path):
    def make(**options):
        return MotionNorm(3, **options)

    features = noise(2, 6, 8, 15)
    check_layer(make, features, (2, 6, 8, 3), tmp_path)
    expected = np.linalg.norm(features.reshape(2, 6, 8, 3, 5), axis=-1)
    np.testing.assert_allclose(make()(features), expected, rtol=1e-5)


@pytest.mark.parametrize("block", [1, 2])
def test_pixel_layout(block, tmp_path):
    def make(pairs=1, **options):
        return PixelLayout(pairs, block, **options)

    check_layer(make, noise(2, 3, 4, block**2), (2, 3 * block, 4 * block, 1), tmp_path)
    values = noise(2, 5, 3, 4, block, block)
    expected = values.transpose(0, 2, 4, 3, 5, 1).reshape(2, 3 * block, 4 * block, 5)
    np.testing.assert_array_equal(make(5)(values.reshape(10, 3, 4, -1)), expected)


def test_blocks_are_spread_by_any_version_of_keras(monkeypatch):
    maps = noise(2, 3, 4, 12)
    expected = spread_blocks(maps, 2)
    monkeypatch.delattr(keras.ops, "depth_to_space", raising=False)
    np.testing.assert_array_equal(spread_blocks(maps, 2), expected)
    assert expected.shape == (2, 6, 8, 3)


@pytest.mark.parametrize("causal", [False, True])
def test_convolved_shift(causal, tmp_path):
    def make(**options):
        return ConvolvedShift(4, 2, causal=causal, **options)

    maps = noise(8, 3, 5, 16)
    check_layer(make, maps, maps.shape, tmp_path)
    np.testing.assert_array_equal(make()(maps), TemporalShift(4, causal=causal)(maps))
