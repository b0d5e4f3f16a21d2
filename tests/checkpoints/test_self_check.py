"""The self-check detects wrong conversions."""

import keras
import numpy as np
import pytest
from golden_files import golden_state

from pan_keras import backbones
from pan_keras.checkpoints import check_saved, convert
from pan_keras.checkpoints.self_check import parts_of
from pan_keras.errors import UserError


@pytest.fixture
def state():
    return golden_state("tinybasic_lite")


@pytest.fixture
def saved(tmp_path):
    def saved(state):
        np.savez(tmp_path / "state.npz", **state)
        converted = convert(tmp_path / "state.npz", size=32)
        converted.model.save(tmp_path / "model.keras")
        return converted, tmp_path / "model.keras"

    return saved


def check(converted, file):
    return check_saved(converted.model, converted.branches, file)


def test_a_correct_conversion_passes_and_reports_the_difference_of_logits(saved, state):
    found = check(*saved(state))
    assert found["weights_read_back_equal"] == 66
    assert 0.1 < found["largest_logit_of_noise"][0] < 100
    assert found["largest_logit_difference"][0] < 1e-4


def test_a_weight_that_differs_from_the_file_is_detected(saved, state):
    converted, file = saved(state)
    kernel = converted.model.backbone.get_layer("layer2_0_conv2").kernel
    kernel.assign(keras.ops.transpose(kernel, (1, 0, 2, 3)))
    converted.model.save(file)
    with pytest.raises(RuntimeError, match=r"layer2_0_conv2/kernel is not .*layer2\.0\.conv2"):
        check(converted, file)


def test_a_layer_with_other_outputs_is_detected(saved, state):
    converted, file = saved(state)
    converted.model.backbone.get_layer("layer3_0_bn1").epsilon = 0.1
    with pytest.raises(RuntimeError, match="differ from the reference by"):
        check(converted, file)


def test_overflowing_weights_are_reported_as_a_fault_of_the_checkpoint(saved, state):
    for key in state:
        if key.endswith(("bn1.weight", "bn2.weight")):
            state[key] = np.full_like(state[key], 1e30)
    converted, file = saved(state)
    with pytest.raises(UserError, match=r"state\.npz: its weights are so large"):
        check(converted, file)


@pytest.mark.parametrize("name", ["micro", "resnet18", "mobilenetv2"])
def test_a_backbone_run_in_parts_gives_the_same_outputs(name):
    backbone = backbones.create(name, channels=3, segments=4)
    maps = np.random.default_rng(0).standard_normal((4, 64, 64, 3), "float32")
    parts = list(parts_of(backbone))
    assert max(len(part.layers) for part in parts) < 15
    found = maps
    for part in parts:
        found = part(found, training=False)
    expected = keras.ops.convert_to_numpy(backbone(maps, training=False))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=1e-6, atol=1e-7)
