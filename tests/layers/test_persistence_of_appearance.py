"""PA against the reference, at every depth and in both encodings."""

import keras
import numpy as np
import pytest
from differentiate import differentiate
from golden_files import channels_last, convolution_kernel, golden, relative_difference
from layer_suite import check_layer

from pan_keras.layers import PersistenceOfAppearance


def clips(count=3, batch=2, height=6, width=5):
    shape = (batch, count, height, width, 3)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def run(layer, frames):
    return keras.ops.convert_to_numpy(layer(frames))


def features(layer, frames):
    """Feature maps computed per frame, without the shortcut by differences."""
    maps = frames.reshape(-1, *frames.shape[2:])
    for index, (kernel, bias) in enumerate(layer.convolutions):
        maps = keras.ops.relu(maps) if index else maps
        maps = keras.ops.conv(maps, kernel, padding="same") + bias
    return keras.ops.convert_to_numpy(maps).reshape(*frames.shape[:-1], -1)


@pytest.fixture
def reference():
    """The golden file and a layer with its weights."""
    arrays = golden("pa_m4")
    frames = channels_last(arrays["input"])
    layer = PersistenceOfAppearance(epsilon=float(arrays["eps"]))
    layer.build(frames.shape)
    layer.set_weights([convolution_kernel(arrays["weight"]), arrays["bias"]])
    return arrays, frames, layer


@pytest.mark.parametrize("encoding", ["motion", "attention"])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_layer(depth, encoding, tmp_path):
    def make(**options):
        return PersistenceOfAppearance(depth=depth, encoding=encoding, **options)

    check_layer(make, clips(), (2, 6, 5, 2), tmp_path, trainable=2 * depth)


def test_output_is_the_reference(reference):
    arrays, frames, layer = reference
    for name in ("out", "out_f64"):
        expected = channels_last(arrays[name])
        np.testing.assert_allclose(run(layer, frames), expected, rtol=1e-5, atol=1e-5)


def test_gradients_are_the_reference(reference):
    arrays, frames, layer = reference
    (kernel, bias), inputs = differentiate(layer, frames, channels_last(arrays["cotangent"]))
    assert relative_difference(kernel, convolution_kernel(arrays["grad_weight"])) < 1e-4
    kept = channels_last(arrays["grad_input"])  # for the first stacks only
    assert relative_difference(inputs[: len(kept)], kept) < 1e-4
    np.testing.assert_array_equal(bias, 0)


def test_identical_frames_give_epsilon_and_a_finite_gradient():
    layer = PersistenceOfAppearance()
    still = np.repeat(clips(count=1), 3, axis=1)
    np.testing.assert_allclose(run(layer, still), 8**0.5 * 1e-6, rtol=1e-5)
    weights, inputs = differentiate(layer, still, np.ones((2, 6, 5, 2), "float32"))
    assert all(np.isfinite(gradient).all() for gradient in (*weights, inputs))


def test_depth_1_has_the_papers_parameters_in_order():
    layer = PersistenceOfAppearance()
    layer.build((None, 4, 32, 32, 3))
    assert [weight.name for weight in layer.weights] == ["kernel", "bias"]
    assert [weight.shape for weight in layer.get_weights()] == [(7, 7, 3, 8), (8,)]
    assert layer.count_params() == 1184


@pytest.mark.parametrize("depth", [0, 1, 2, 4, 8])
def test_every_depth_is_the_distance_of_features(depth):
    layer, frames = PersistenceOfAppearance(depth=depth), clips()
    layer.build(frames.shape)
    layer.set_weights([weight + 0.01 for weight in layer.get_weights()])
    maps = features(layer, frames)
    expected = np.linalg.norm(maps[:, :-1] - maps[:, 1:] + 1e-6, axis=-1)
    np.testing.assert_allclose(run(layer, frames), np.moveaxis(expected, 1, -1), rtol=1e-4)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_attention_weights_the_mean_feature_of_the_earlier_frame(depth):
    layer, frames = PersistenceOfAppearance(depth=depth, encoding="attention"), clips()
    layer.build(frames.shape)
    layer.set_weights([weight + 0.01 for weight in layer.get_weights()])
    maps = features(layer, frames)
    motion = np.linalg.norm(maps[:, :-1] - maps[:, 1:] + 1e-6, axis=-1)
    expected = maps[:, :-1].mean(axis=-1) / (1 + np.exp(-motion))
    np.testing.assert_allclose(
        run(layer, frames), np.moveaxis(expected, 1, -1), rtol=1e-4, atol=1e-5
    )


def test_accepts_two_frames_of_one_channel_and_unknown_size():
    layer = PersistenceOfAppearance()
    symbolic = keras.Input((2, None, None, 1))
    model = keras.Model(symbolic, layer(symbolic))
    assert model.output_shape == (None, None, None, 1)
    assert model.predict_on_batch(clips(count=2, width=7)[..., :1]).shape == (2, 6, 7, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 3}, "depth must be one of"),
        ({"encoding": "flow"}, "encoding must be one of"),
        ({"kernel_size": 4}, "kernel_size must be odd"),
        ({"channels": 0}, "channels must be at least 1"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PersistenceOfAppearance(**options)


def test_a_single_frame_is_refused():
    with pytest.raises(ValueError, match="use a longer stack"):
        PersistenceOfAppearance()(clips(count=1))


def test_frames_without_a_stack_axis_are_refused():
    with pytest.raises(ValueError, match="expected frames"):
        PersistenceOfAppearance()(clips()[0])


@pytest.mark.parametrize("depth", [0, 1, 2, 8])
@pytest.mark.parametrize(
    ("policy", "tolerance"), [("mixed_bfloat16", 0.02), ("mixed_float16", 0.003)]
)
def test_half_precision_gives_the_motion_of_full_precision(policy, tolerance, depth):
    # Bright frames with noise of up to 2 grey levels, normalised.
    grey = 200 + np.random.default_rng(2).integers(0, 3, (2, 3, 16, 12, 3))
    frames = (grey / (255 * 0.225)).astype("float32")
    full = PersistenceOfAppearance(depth=depth)
    half = PersistenceOfAppearance(depth=depth, dtype=policy)
    expected = run(full, frames)
    half.build(frames.shape)
    half.set_weights(full.get_weights())
    actual = keras.ops.convert_to_numpy(keras.ops.cast(half(frames), "float32"))
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 4])
def test_initial_kernels_have_the_requested_deviation(depth):
    layer = PersistenceOfAppearance(depth=depth, channels=16, stddev=0.001)
    layer.build((None, 2, 8, 8, 3))
    kernels = [weights for weights in layer.get_weights() if weights.ndim == 4]
    assert [float(kernel.std()) for kernel in kernels] == pytest.approx([0.001] * depth, rel=0.1)
    assert len({kernel.flat[0] for kernel in kernels}) == depth
    assert PersistenceOfAppearance.from_config(layer.get_config()).stddev == 0.001
