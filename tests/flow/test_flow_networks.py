"""The flow networks match the published ones, take any size, and can be trained and saved."""

import keras
import numpy as np
import pytest
from differentiate import differentiate

from pan_keras import flow
from pan_keras.bench.model_table import build_and_count

SMALL = {
    "flownet_s": {"width": 0.0625},
    "flownet_c": {"width": 0.0625},
    "flownet2": {"width": 0.0625},
    "raft_small": {"iterations": 2},
}
# Counts of the authors' code, NVIDIA's code and torchvision.
PARAMETERS = {
    "flownet_s": 38_676_506,
    "flownet_c": 39_175_298,
    "flownet2": 162_518_834,
    "raft_small": 990_162,
}
PARTS = {"FlowNetSD": 45_371_666, "FlowNetFusion": 581_226}


def flow_of(network, frames):
    return keras.ops.convert_to_numpy(network(frames))


def pairs(height=64, width=64, batch=1):
    shape = (batch, 2, height, width, 3)
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


@pytest.fixture(scope="module", params=SMALL)
def network(request):
    keras.utils.set_random_seed(0)
    return flow.create(request.param, **SMALL[request.param])


@pytest.mark.parametrize("name", flow.names())
def test_parameters_are_the_published_ones(name):
    assert build_and_count(lambda: flow.create(name, size=64)).parameters == PARAMETERS[name]


@pytest.mark.parametrize("part", PARTS)
def test_the_other_stages_of_flownet2_have_the_published_parameters(part):
    def make():
        core = getattr(flow, part)()
        maps = keras.Input((64, 64, core.input_shape[-1]))
        return keras.Model(maps, core(maps))

    assert build_and_count(make).parameters == PARTS[part]


def test_frames_of_any_size_give_a_flow_of_every_pixel(network):
    assert network.output_shape == (None, None, None, 2)
    model = keras.Model(network.input, network.output)
    for height, width in ((70, 90), (20, 33)):  # the second retraces it for unknown sizes
        frames = pairs(height, width)
        found = model.predict_on_batch(frames)
        assert found.shape == (1, height, width, 2)
        assert found.dtype == np.float32
        assert found.std() > 0
        np.testing.assert_allclose(found, flow_of(network, frames), rtol=1e-2, atol=1e-2)


def test_frames_are_padded_with_their_border_pixels(network):
    multiple = network.core.multiple
    height, width = 70, 90
    more = [(0, -side % multiple) for side in (height, width)]
    frames = pairs(height, width) / np.float32(255)
    if network.core.normalisation == "mean":
        frames = frames - frames.mean((1, 2, 3), keepdims=True)
    else:
        frames = 2 * frames - 1
    maps = np.pad(np.concatenate([frames[:, 0], frames[:, 1]], -1), ((0, 0), *more, (0, 0)), "edge")
    core = network.core
    expected = core.finish(core(maps), keras.DTypePolicy("float32"))
    np.testing.assert_allclose(
        flow_of(network, pairs(height, width)),
        keras.ops.convert_to_numpy(expected)[:, :height, :width],
        rtol=1e-2,
        atol=1e-2,
    )


def test_bytes_and_floats_are_the_same_frames(network):
    np.testing.assert_array_equal(
        flow_of(network, pairs()), flow_of(network, pairs().astype("float32"))
    )


def test_every_weight_has_a_gradient(network):
    frames = pairs().astype("float32")
    weights, _ = differentiate(network, frames, np.ones((1, 64, 64, 2), "float32"))
    assert len(weights) == len(network.trainable_weights)
    for gradient in weights:
        assert np.isfinite(gradient).all()


def test_a_saved_network_loads_with_the_same_outputs(network, tmp_path):
    network.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras", safe_mode=True)
    assert loaded.get_config() == network.get_config()
    np.testing.assert_array_equal(flow_of(loaded, pairs()), flow_of(network, pairs()))


@pytest.mark.parametrize("name", SMALL)
def test_a_network_of_fixed_size_keeps_it_and_works_in_half_precision(name):
    network = flow.create(name, size=(40, 72), dtype="mixed_float16", **SMALL[name])
    assert network.output_shape == (None, 40, 72, 2)
    found = flow_of(network, pairs(40, 72))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    twin = type(network).from_config(network.get_config())
    assert twin.output_shape == network.output_shape
    weighted = [layer for layer in twin.core._flatten_layers() if hasattr(layer, "kernel")]
    assert {layer.dtype_policy.name for layer in weighted} == {"mixed_float16"}


def constant(core, **pixels):
    """Makes each named stage predict a constant flow."""
    for name, value in pixels.items():
        stage = core.get_layer(name)
        stage.set_weights([np.zeros(weight.shape) for weight in stage.get_weights()])
        finest = stage.get_layer("predict_flow2")
        finest.set_weights([np.zeros(finest.kernel.shape), np.float32(value)])


def test_flownet2_passes_the_error_of_each_flow_to_the_next_stage():
    core = flow.FlowNet2(width=0.0625)
    # The first predicts (2, 1) pixels, the third (-4, 0), the one for small displacements (0, 3).
    constant(core, flownet_c=(0.1, 0.05), flownet_s2=(-0.2, 0), flownet_sd=(0, 60))
    maps = np.random.default_rng(0).normal(size=(1, 64, 64, 6)).astype("float32")
    first, later = maps[..., :3], maps[..., 3:]
    names = ("flownet_s1_input", "fusion_input")
    stage, fusion = keras.Model(
        core.input, [core.get_layer(name).output for name in names]
    ).predict_on_batch(maps)

    def shifted(x, y):
        rows, columns = (np.clip(np.arange(64) + by, 0, 63) for by in (y, x))
        return later[:, rows][:, :, columns]

    def error(x, y):
        return np.linalg.norm(first - shifted(x, y), axis=-1, keepdims=True)

    def everywhere(*values):
        return np.broadcast_to(np.float32(values), (1, 64, 64, len(values)))

    expected = [maps, shifted(2, 1), everywhere(0.1, 0.05), error(2, 1)]
    np.testing.assert_allclose(stage, np.concatenate(expected, -1), atol=1e-4)
    expected = [first, everywhere(0, 3, -4, 0, 3, 4), error(0, 3), error(-4, 0)]
    np.testing.assert_allclose(fusion, np.concatenate(expected, -1), atol=1e-4)


def alike_after_a_shift(core, layer):
    """Mean output of a correlation layer for a texture that moves 16 pixels to the right."""
    first = np.random.default_rng(0).normal(size=(1, 128, 128, 3))
    maps = np.concatenate([first, np.roll(first, 16, 2)], -1).astype("float32")
    found = keras.Model(core.input, core.get_layer(layer).output).predict_on_batch(maps)
    return found[0, 5:-5, 5:-5].mean((0, 1))


def test_flownet_c_correlates_the_first_frame_with_the_second():
    alike = alike_after_a_shift(flow.FlowNetC(width=0.25), "corr")
    # 21 displacements down times 21 to the right, spaced by two positions of eight pixels.
    assert np.argmax(alike) == 10 * 21 + 11


def test_flownet_c_keeps_features_of_the_first_frame_alone():
    core = flow.FlowNetC(width=0.25)
    kept = keras.Model(core.input, core.get_layer("conv_redir").output)
    maps = np.random.default_rng(0).normal(size=(2, 64, 64, 6)).astype("float32")
    maps[1, ..., :3] = maps[0, ..., :3]
    first, second = kept.predict_on_batch(maps)
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert first.std() > 0


def test_raft_correlates_the_first_frame_with_the_second():
    alike = alike_after_a_shift(flow.RAFTSmall(iterations=1), "lookup")
    # Two positions to the right on the finest level; x changes slowest.
    assert np.argmax(alike[:49]) == (3 + 2) * 7 + 3


def test_flownets_predict_in_units_of_twenty_pixels():
    for name in ("flownet_s", "flownet_c"):
        network = flow.create(name, width=0.0625)
        core = network.core
        core.set_weights([np.zeros(weight.shape) for weight in core.get_weights()])
        finest = core.get_layer("predict_flow2")
        finest.set_weights([np.zeros(finest.kernel.shape), np.float32([0.5, -0.1])])
        found = flow_of(network, pairs())
        np.testing.assert_allclose(found, np.broadcast_to([10, -2], found.shape), rtol=1e-5)


def test_raft_adds_up_corrections_in_units_of_eight_pixels():
    network = flow.create("raft_small", iterations=3)
    head = network.core.get_layer("head_conv2")
    head.set_weights([np.zeros(head.kernel.shape), np.float32([0.5, -0.25])])
    found = flow_of(network, pairs())
    np.testing.assert_allclose(found, np.broadcast_to([12, -6], found.shape), rtol=1e-5)


def convolve(x, layer):
    """Convolution in float64, padded to the same size."""
    kernel, bias = (np.float64(weight) for weight in layer.get_weights())
    half = kernel.shape[0] // 2
    padded = np.pad(x, ((0, 0), (half, half), (half, half), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], (1, 2))
    return np.einsum("byxcij,ijcd->byxd", windows, kernel, optimize=True) + bias


def test_an_iteration_of_raft_is_a_gated_recurrent_unit():
    core = flow.RAFTSmall(iterations=1)
    maps = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 6)).astype("float32")
    outputs = [core.get_layer(name).output for name in ("hidden", "known", "lookup")]
    found, *seen = keras.Model(core.input, [core.outputs[0], *outputs]).predict_on_batch(maps)
    hidden, known, correlations = (np.float64(x) for x in seen)
    still = np.zeros((1, 8, 8, 2))

    def by(name, *parts, activation=lambda x: np.maximum(x, 0)):
        return activation(convolve(np.concatenate(parts, -1), core.get_layer(name)))

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    read = by("flow_conv2", by("flow_conv1", still))
    motion = by("motion_conv", by("corr_conv", correlations), read)
    update = by("gru_update", hidden, known, motion, still, activation=sigmoid)
    reset = by("gru_reset", hidden, known, motion, still, activation=sigmoid)
    new = by("gru_candidate", reset * hidden, known, motion, still, activation=np.tanh)
    hidden = (1 - update) * hidden + update * new
    expected = by("head_conv2", by("head_conv1", hidden), activation=lambda x: x)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_invalid_arguments_are_named():
    with pytest.raises(ValueError, match="did you mean 'flownet_s'"):
        flow.create("flownets")
    with pytest.raises(ValueError, match="iterations must be at least 1"):
        flow.create("raft_small", iterations=0)
