"""Depth, encoding and kernel size of PA can be set, and survive saving and conversion."""

import keras
import numpy as np
import pytest

from pan_keras import models
from pan_keras.checkpoints import convert, save_state_dict
from pan_keras.checkpoints.reference import Reference
from pan_keras.checkpoints.state_dict import read_state_dict
from pan_keras.errors import UserError
from pan_keras.models.cost import cost

CLIP = {"classes": 3, "segments": 2, "stack": 3, "size": 16}
ASKED = {"motion_depth": 2, "motion_encoding": "e2", "motion_kernel": 3}


def pa_of(model):
    network = next(each for name, each in models.networks(model).items() if "rgb" not in name)
    return network.get_layer("persistence_of_appearance")


@pytest.mark.parametrize("family", ["pa", "pan_lite", "pan_full", "pan_en"])
def test_every_network_with_pa_takes_them(family, tmp_path):
    model = models.create(f"{family}_micro", **CLIP, **ASKED)
    pa = pa_of(model)
    assert (pa.depth, pa.encoding, pa.kernel_size) == (2, "attention", 3)
    model.save(tmp_path / "model.keras")
    twin = models.load(tmp_path / "model.keras")
    assert pa_of(twin).get_config() == pa.get_config()
    clips = np.random.default_rng(0).integers(0, 256, (1, 2, 3, 16, 16, 3)).astype("uint8")
    np.testing.assert_allclose(
        twin.predict_on_batch(clips), model.predict_on_batch(clips), atol=1e-5
    )


def test_without_them_pa_is_that_of_the_paper():
    pa = pa_of(models.create("pan_lite_micro", **CLIP))
    assert (pa.depth, pa.encoding, pa.kernel_size, pa.count_params()) == (1, "motion", 7, 1184)
    assert models.presets("pan_lite_micro")["motion_depth"] == 1
    assert "motion_depth" not in models.presets("tsm_micro")


def test_networks_without_pa_refuse_them():
    with pytest.raises(ValueError, match="unknown option of tsm_micro 'motion_depth'"):
        models.create("tsm_micro", motion_depth=2, **CLIP)
    with pytest.raises(ValueError, match="computes no PA; remove motion_depth"):
        models.RGBNetwork(backbone="micro", motion_depth=2, **CLIP)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"motion_depth": 3}, "depth must be one of"),
        ({"motion_encoding": "motion"}, "unknown encoding of PA 'motion'"),
        ({"motion_kernel": 4}, "kernel_size must be odd"),
    ],
)
def test_invalid_options_are_refused(option, message):
    with pytest.raises(ValueError, match=message):
        models.create("pa_micro", **option, **CLIP)


@pytest.mark.parametrize("depth", [0, 1, 2, 4, 8])
@pytest.mark.parametrize("encoding", ["e1", "e2"])
def test_a_checkpoint_with_them_survives_a_round_trip(depth, encoding, tmp_path):
    asked = {"motion_depth": depth, "motion_encoding": encoding, "motion_kernel": 3 if depth else 7}
    model = models.create("pan_lite_micro", **CLIP, **asked)
    layer = pa_of(model)
    layer.set_weights([0.3 * np.random.default_rng(0).normal(size=w.shape) for w in layer.weights])
    save_state_dict(model, tmp_path / "state.pth.tar")
    twin = convert(
        tmp_path / "state.pth.tar",
        segments=2,
        size=16,
        name="pan_lite_micro",
        motion_encoding=encoding,
    )
    assert twin.settings == {
        key: value for key, value in asked.items() if value != models.PA_DEFAULTS[key]
    }
    frames = np.random.default_rng(1).normal(size=(2, 3, 8, 8, 3)).astype("float32")
    found = keras.ops.convert_to_numpy(pa_of(twin.model)(frames))
    reference = Reference(read_state_dict(tmp_path / "state.pth.tar"), 2)
    expected = reference.persistence(np.moveaxis(frames, -1, 2), attention=encoding == "e2")
    np.testing.assert_allclose(np.moveaxis(found, -1, 1), expected, rtol=1e-4, atol=1e-4)


def test_a_checkpoint_without_a_convolution_of_pa_needs_a_name(tmp_path):
    model = models.create("pan_lite_micro", motion_depth=0, **CLIP)
    save_state_dict(model, tmp_path / "state.pth.tar")
    with pytest.raises(UserError, match="give --name"):
        convert(tmp_path / "state.pth.tar", segments=2, size=16)


def test_their_cost_is_counted():
    costs = {
        depth: cost(models.create("pa_micro", motion_depth=depth, motion_kernel=3, **CLIP))
        for depth in (0, 1, 2)
    }
    convolution = 3 * 3 * 3 * 8 + 8, 3 * 3 * 8 * 8 + 8
    assert costs[1].parameters - costs[0].parameters == convolution[0]
    assert costs[2].parameters - costs[1].parameters == convolution[1]
    assert costs[2].macs - costs[1].macs == 2 * 3 * 16 * 16 * convolution[1]
