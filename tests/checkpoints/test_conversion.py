"""Checkpoints are converted to the matching network, or refused with a list of problems."""

import numpy as np
import pytest
from golden_files import (
    channels_last,
    golden,
    golden_bytes,
    golden_json,
    golden_network,
    golden_state,
)

from pan_keras import models
from pan_keras.checkpoints import check_saved, convert, convert_full, state_dict_of
from pan_keras.checkpoints.architecture import detect
from pan_keras.errors import CheckpointError, UserError

LEGACY_CUDA = "tinybasic_lite_trained_with_momentum_legacy_cuda.pth.tar"


@pytest.fixture
def save(tmp_path):
    def save(name, state):
        file = tmp_path / f"{name}.npz"
        np.savez(file, **state)
        return file

    return save


def empty_state(name):
    """A full-size state_dict with shapes but without data."""
    return {
        key: np.broadcast_to(np.float32(0), shape)
        for key, shape, _ in golden_json(f"keys_{name}_lite")
    }


def test_a_checkpoint_of_the_authors_gives_their_logits(tmp_path):
    file = tmp_path / LEGACY_CUDA
    file.write_bytes(golden_bytes(LEGACY_CUDA))
    converted = convert(file, size=48)
    (branch,) = converted.branches
    assert "8 are used" in branch.architecture.assumed[0]
    frames = channels_last(golden("train_steps_tinybasic_lite")["input_u8"])
    expected = golden("tinybasic_lite_trained_eval_logits")["logits"]
    np.testing.assert_allclose(converted.model.predict_on_batch(frames), expected, atol=1e-4)
    converted.model.save(tmp_path / "model.keras")
    found = check_saved(converted.model, converted.branches, tmp_path / "model.keras")
    assert found["weights_read_back_equal"] == len(branch.tensors) - 12  # batch counts
    np.testing.assert_allclose(converted.model.predict_on_batch(frames), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet101"])
def test_the_authors_networks_are_recognised_by_their_keys(name):
    found = detect(empty_state(name))
    assert found.name == f"pan_lite_{name}"
    assert (found.segments, found.stack, found.classes) == (8, 4, 174)
    assert found.settings == {}


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet101"])
def test_every_key_of_a_full_checkpoint_is_used(name):
    model = models.create(f"pan_lite_{name}", classes=174, size=32)
    keys = {key: tuple(shape) for key, shape, _ in golden_json(f"keys_{name}_lite")}
    assert {key: array.shape for key, array in state_dict_of(model).items()} == keys


@pytest.mark.parametrize(
    "name", ["pan_lite_micro", "pa_micro", "tsm_micro", "tsn_micro", "pan_lite_mobilenetv2"]
)
def test_networks_of_this_package_survive_a_round_trip_bit_by_bit(name, save):
    options = {"width": 0.35} if name.endswith("v2") else {}
    model = models.create(name, classes=3, segments=4, stack=3, size=32, **options)
    state = state_dict_of(model)
    converted = convert(save("back", state), segments=4, name=name, size=32)
    assert converted.name == name
    assert converted.settings == options
    if not name.startswith("ts"):
        assert converted.model.get_config() == model.get_config()
    for weight, expected in zip(converted.model.weights, model.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_classifier_after_the_average_is_distinguished_from_vap(save):
    state = {
        key.replace("base_model.fc.pred", "new_fc"): array
        for key, array in golden_state("tinybasic_lite").items()
        if ".TES." not in key
    }
    converted = convert(save("average", state), segments=6, size=32)
    assert converted.settings == {"aggregation": "average"}
    assert converted.model.segments == 6


def test_a_network_without_shift_is_recognised(save):
    state = {key.replace(".net.", "."): a for key, a in golden_state("tinybasic_rgb").items()}
    converted = convert(save("still", state), size=32)
    assert (converted.name, converted.settings) == ("tsn_resnet", {"aggregation": "vap"})


def test_half_precision_is_widened(save):
    state = {key: array.astype("float16") for key, array in golden_state("tinybasic_pa").items()}
    converted = convert(save("half", state), size=32)
    for key, array in state_dict_of(converted.model, counts={}).items():
        np.testing.assert_array_equal(array, state[key].astype("float32"))


@pytest.mark.parametrize(
    ("segments", "message"), [(7, "8 to 15 segments, not 7"), (16, "8 to 15 segments, not 16")]
)
def test_segments_that_do_not_fit_vap_are_refused(segments, message):
    with pytest.raises(CheckpointError, match=message):
        detect(golden_state("tinybasic_lite"), segments)
    assert detect(golden_state("tinybasic_lite"), 12).segments == 12


def test_a_name_resolves_ambiguous_keys(save):
    model = models.create("pa_micro", classes=3, segments=4, stack=6, size=32)
    state = state_dict_of(model)
    assumed = detect(state)
    assert (assumed.name, assumed.stack) == ("pan_lite_micro", 3)
    assert any("m = 3 and PA with m = 6" in sentence for sentence in assumed.assumed)
    settled = detect(state, name="pa_micro")
    assert (settled.name, settled.stack) == ("pa_micro", 6)
    with pytest.raises(CheckpointError, match="those of pan_lite_micro, not of tsm_micro"):
        detect(state, name="tsm_micro")
    with pytest.raises(UserError, match="use letters"):
        convert(save("open", state), name="my model")


def without(key):
    return lambda state: state.pop(key)


def put(key, array):
    return lambda state: state.update({key: array})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("base_model.layer2.0.bn1.bias"), r"layer2\.0\.bn1\.bias is missing"),
        (without("base_model.conv1.weight"), "it lacks conv1.weight"),
        (without("base_model.fc.pred.weight"), "it lacks base_model.fc.pred.weight"),
        (put("base_model.extra", np.zeros(3, "float32")), "base_model.extra has no counterpart"),
        (put("base_model.bn1.bias", np.zeros(9, "float32")), r"is \(9,\) instead of \(8,\)"),
        (put("base_model.bn1.bias", np.zeros(8, "int64")), "holds integers"),
        (put("base_model.bn1.bias", np.full(8, np.nan, "float32")), "not finite"),
        (put("base_model.bn1.running_var", np.full(8, -1, "float32")), "negative variances"),
        (put("base_model.conv1.weight", np.zeros(8, "float32")), "1 axes instead of 4"),
        (
            put("base_model.fc.TES.0.weight", np.zeros((24, 6), "float32")),
            "6 timescales, which fits no number",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_with_the_reason(change, message, save):
    state = golden_state("tinybasic_lite")
    change(state)
    with pytest.raises(UserError, match=message):
        convert(save("wrong", state), size=32)


def test_weights_of_another_kind_of_network_are_refused(save):
    with pytest.raises(UserError, match=r"not a PAN checkpoint.*model\.weights"):
        convert(save("image", {"conv1.weight": np.zeros((8, 3, 7, 7), "float32")}))
    state = golden_state("tinybasic_lite")
    flow = {key: array for key, array in state.items() if not key.startswith("PA.")}
    with pytest.raises(UserError, match="6 channels, but it has no PA"):
        convert(save("flow", flow))


@pytest.fixture
def trio(save):
    return {mode: save(mode, golden_state(f"tinybasic_{mode}")) for mode in ("rgb", "pa", "lite")}


def test_branches_are_combined_into_a_network_that_averages_their_logits(trio):
    converted = convert_full([trio["pa"], trio["rgb"]], size=32)
    assert converted.name == "pan_full_resnet"
    frames = golden_network("tinybasic_pa")["input_u8"]
    rgb = convert(trio["rgb"], size=32).model.predict_on_batch(frames[:, :, :1])
    expected = (rgb + golden_network("tinybasic_pa")["logits"]) / 2
    np.testing.assert_allclose(converted.model.predict_on_batch(frames), expected, atol=1e-4)


def test_branches_and_pan_lite_are_combined_into_the_ensemble(trio):
    converted = convert_full(list(trio.values()), size=32, name="all")
    assert (converted.name, converted.model.name) == ("pan_en_resnet", "all")
    frames = golden_network("tinybasic_pa")["input_u8"]
    lite = golden_network("tinybasic_lite")["logits"]
    full = convert_full([trio["pa"], trio["rgb"]], size=32).model.predict_on_batch(frames)
    actual = converted.model.predict_on_batch(frames)
    np.testing.assert_allclose(actual, (lite + full) / 2, atol=1e-4)


def test_incompatible_branches_are_refused(trio, save):
    with pytest.raises(UserError, match="is a rgb network too"):
        convert_full([trio["rgb"], trio["rgb"]])
    with pytest.raises(UserError, match="are of lite, rgb; give one of rgb and one of pa"):
        convert_full([trio["rgb"], trio["lite"]])
    other = save("other", golden_state("tinybottleneck_rgb"))
    with pytest.raises(UserError, match="differ in backbone"):
        convert_full([other, trio["pa"]])
