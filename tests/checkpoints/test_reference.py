"""The NumPy reference agrees with the authors' code, and Keras with the reference."""

import numpy as np
import pytest
from checkpoint_files import weights_like
from golden_files import golden_json, golden_network, golden_state

from pan_keras import models
from pan_keras.backbones.input_normalisation import IMAGENET
from pan_keras.checkpoints import convert, state_dict_of
from pan_keras.checkpoints.reference import Reference
from pan_keras.checkpoints.weights import named_weights

TINY = [
    "tinybasic_lite",
    "tinybasic_pa",
    "tinybasic_rgb",
    "tinybottleneck_lite",
    "tinybottleneck_rgb",
]


def logits_of(state, frames, modality):
    """Reference logits of uint8 frames (B, N, m, H, W, 3), in float64."""
    reference = Reference(state, frames.shape[1])
    stacks = np.moveaxis((frames / 255 - IMAGENET.mean) / IMAGENET.deviation, -1, -3)
    stacks = stacks.reshape(-1, *stacks.shape[2:])
    cues = {"rgb": [stacks[:, 0]]}
    if modality != "rgb":
        cues["pa"] = [reference.persistence(stacks)]
        cues["lite"] = [*cues["rgb"], *cues["pa"]]
    return reference.logits(np.concatenate(cues[modality], axis=1))


@pytest.mark.parametrize("name", TINY)
def test_the_reference_gives_the_authors_logits(name):
    arrays = golden_network(name)
    actual = logits_of(golden_state(name), arrays["input_u8"], name.rpartition("_")[2])
    np.testing.assert_allclose(actual, arrays["logits"], atol=5e-5)


@pytest.mark.parametrize(
    ("name", "tolerance"), [("resnet18", 1e-4), ("resnet50", 1e-3), ("resnet101", 1e-3)]
)
def test_a_full_size_checkpoint_gives_the_logits_of_the_reference(name, tolerance, tmp_path):
    state = weights_like(golden_json(f"keys_{name}_lite"))
    np.savez(tmp_path / "full.npz", **state)
    frames = np.random.default_rng(1).integers(0, 256, (1, 8, 4, 64, 64, 3), "uint8")
    expected = logits_of(state, frames, "lite")
    assert 0.5 < np.abs(expected).max() < 20
    actual = convert(tmp_path / "full.npz", size=64).model.predict_on_batch(frames)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ["pan_lite_mobilenetv2", "tsn_mobilenetv2", "pa_micro"])
def test_mobilenet_networks_give_the_logits_of_the_reference(name):
    model = models.create(name, classes=5, segments=6, stack=3, size=48)
    keys = [(key, array.shape) for key, array in state_dict_of(model).items()]
    state = weights_like(keys)
    for weight in named_weights(model):
        weight.fill(state[weight.key])
    frames = np.random.default_rng(1).integers(0, 256, (2, *model.input_shape[1:]), "uint8")
    modality = {"pan": "lite", "pa": "pa", "tsn": "rgb"}[name.partition("_")[0]]
    expected = logits_of(state, frames, modality)
    np.testing.assert_allclose(model.predict_on_batch(frames), expected, rtol=0, atol=1e-4)
