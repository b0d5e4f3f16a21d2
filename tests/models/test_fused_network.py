"""PAN_Full and PAN_En: networks on the same input with averaged scores."""

import keras
import numpy as np
import pytest

from pan_keras import models
from pan_keras.models import PANEnsemble, PANetwork, PANFull, PANLite, RGBNetwork

SHAPE = {"classes": 3, "segments": 4, "stack": 3, "size": (32, 40)}


def clips(batch=2, size=(32, 40)):
    shape = (batch, 4, 3, *size, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")


def branch(network, **options):
    return network(backbone="micro", **{**SHAPE, **options})


def louder(model, seed):
    """Sets classifier weights for which clips have different logits."""
    kernel = model.get_layer("logits").kernel
    kernel.assign(np.random.default_rng(seed).normal(size=kernel.shape))
    return model


def full(**options):
    rgb, pa = louder(branch(RGBNetwork), 1), louder(branch(PANetwork), 2)
    return PANFull(rgb=rgb, pa=pa, **options)


@pytest.fixture(scope="module")
def trio():
    """PAN_Lite, an RGB branch and a PA branch."""
    return louder(branch(PANLite), 3), louder(branch(RGBNetwork), 1), louder(branch(PANetwork), 2)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_full_averages_the_logits_of_its_branches():
    model = full(weights=(3, 1))
    rgb, pa = (model.branches[name].predict_on_batch(clips()) for name in ("rgb", "pa"))
    np.testing.assert_allclose(
        model.predict_on_batch(clips()), 0.75 * rgb + 0.25 * pa, rtol=1e-4, atol=1e-5
    )


def test_fused_probabilities_come_out_as_their_logarithm():
    model = full(fuse="probabilities")
    rgb, pa = (softmax(model.branches[name].predict_on_batch(clips())) for name in ("rgb", "pa"))
    output = model.predict_on_batch(clips())
    np.testing.assert_allclose(np.exp(output), (rgb + pa) / 2, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ("paper", (1 / 2, 1 / 4, 1 / 4)),
        ("reference", (1 / 3, 1 / 3, 1 / 3)),
        ((3, 1), (3 / 4, 1 / 8, 1 / 8)),
    ],
)
@pytest.mark.parametrize("fuse", ["logits", "probabilities"])
def test_the_ensemble_weighs_lite_rgb_and_pa_as_named(weights, shares, fuse, trio):
    lite, rgb, pa = trio
    model = PANEnsemble(
        lite=lite, full=PANFull(rgb=rgb, pa=pa, fuse=fuse), weights=weights, fuse=fuse
    )
    tensors = model.intermediates(clips())
    names = ("lite/logits", "full/rgb/logits", "full/pa/logits", "logits")
    *scores, output = (keras.ops.convert_to_numpy(tensors[name]) for name in names)
    if fuse == "probabilities":
        scores, output = [softmax(part) for part in scores], np.exp(output)
    expected = sum(share * part for share, part in zip(shares, scores, strict=True))
    np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-5)


def test_branches_are_the_networks_that_were_given():
    rgb, pa = branch(RGBNetwork), branch(PANetwork)
    model = PANFull(rgb=rgb, pa=pa)
    assert model.branches == {"rgb": rgb, "pa": pa}
    assert len(model.trainable_weights) == len(rgb.trainable_weights) + len(pa.trainable_weights)
    assert (model.classes, model.segments, model.stack, tuple(model.size)) == (3, 4, 3, (32, 40))
    assert model.input_shape == (None, 4, 3, 32, 40, 3)


def test_intermediates_are_named_by_branch():
    model = PANEnsemble(lite=branch(PANLite), full=full())
    tensors = model.intermediates(clips())
    assert tuple(tensors["lite/motion"].shape) == (2, 4, 32, 40, 2)
    assert tuple(tensors["full/pa/motion"].shape) == (2, 4, 32, 40, 2)
    assert tuple(tensors["full/rgb/weights"].shape) == (2, 3)
    assert "full/rgb/motion" not in tensors
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(tensors["logits"]),
        model.predict_on_batch(clips()),
        rtol=1e-4,
        atol=1e-6,
    )


def test_the_same_weights_work_at_another_size():
    model = PANEnsemble(lite=branch(PANLite), full=full(), weights="reference")
    twin = type(model).from_config({**model.get_config(), "size": (48, 36)})
    twin.set_weights(model.get_weights())
    assert tuple(twin.size) == (48, 36)
    assert twin.predict_on_batch(clips(size=(48, 36))).shape == (2, 3)
    assert tuple(twin.branches["full"].branches["pa"].size) == (48, 36)
    assert twin.fusion.shares == model.fusion.shares


def test_the_policy_of_the_branches_is_kept():
    model = models.create("pan_full_micro", dtype="mixed_bfloat16", **SHAPE)
    twin = PANFull.from_config(model.get_config())
    assert twin.branches["pa"].backbone.compute_dtype == "bfloat16"
    assert model.dtype_policy.name == "mixed_bfloat16"
    assert keras.backend.standardize_dtype(model(clips()).dtype) == "float32"


def test_branches_of_other_clips_are_refused():
    with pytest.raises(ValueError, match="the same segments, stack and size"):
        PANFull(rgb=branch(RGBNetwork), pa=branch(PANetwork, segments=2))


def test_branches_of_other_classes_are_refused():
    with pytest.raises(ValueError, match="pa has 4 classes, but rgb has 3"):
        PANFull(rgb=branch(RGBNetwork), pa=branch(PANetwork, classes=4))


def test_branches_of_one_name_are_refused():
    with pytest.raises(ValueError, match="both named 'branch'"):
        PANFull(rgb=branch(RGBNetwork, name="branch"), pa=branch(PANetwork, name="branch"))


def test_an_unknown_choice_of_weights_gets_the_nearest_as_suggestion():
    with pytest.raises(ValueError, match="did you mean 'paper'"):
        PANEnsemble(lite=branch(PANLite), full=full(), weights="papers")
