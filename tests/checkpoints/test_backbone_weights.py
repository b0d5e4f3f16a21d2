"""Initialising backbones from other networks, and reporting what was dropped."""

import numpy as np
import pytest
from golden_files import golden

from pan_keras import models
from pan_keras.checkpoints import load_backbone_weights, state_dict_of
from pan_keras.checkpoints.backbone_weights import inflate, plain_names
from pan_keras.errors import UserError

# Torchvision's to timm's names in MobileNetV2's blocks, with and without expansion.
TO_TIMM = {
    "conv.0.0": "conv_pw",
    "conv.0.1": "bn1",
    "conv.1.0": "conv_dw",
    "conv.1.1": "bn2",
    "conv.2": "conv_pwl",
    "conv.3": "bn3",
}
FIRST_TO_TIMM = {"conv.0.0": "conv_dw", "conv.0.1": "bn1", "conv.1": "conv_pw", "conv.2": "bn2"}
OUTSIDE = {
    "features.0.0": "conv_stem",
    "features.0.1": "bn1",
    "features.18.0": "conv_head",
    "features.18.1": "bn2",
}
BLOCKS = (1, 2, 3, 4, 3, 3, 1)


def create(name, **options):
    return models.create(name, classes=3, segments=4, stack=4, size=32, **options)


def image_state(backbone, **options):
    """A state_dict as torchvision would save it, with a classifier."""
    state = state_dict_of(create(f"tsn_{backbone}", **options))
    head = {"classifier.1.weight": np.zeros((9, 4), "float32")}
    return {
        key.removeprefix("base_model."): array
        for key, array in state.items()
        if key.startswith("base_model.")
    } | head


@pytest.fixture
def save(tmp_path):
    def save(state):
        np.savez(tmp_path / "state.npz", **state)
        return tmp_path / "state.npz"

    return save


def backbone_of(model):
    return {
        key: array
        for key, array in plain_names(state_dict_of(model)).items()
        if key.startswith(("conv1", "bn1", "layer", "features"))
    }


def test_the_stem_is_inflated_as_the_reference_does():
    arrays = golden("conv1_inflation")
    np.testing.assert_array_equal(inflate(arrays["w3"], 6), arrays["w6"])


@pytest.mark.parametrize("model", ["pan_lite_micro", "pan_lite_mobilenetv2"])
def test_weights_of_an_image_network_are_loaded(model, save):
    state = image_state(model.rpartition("_")[2])
    network = create(model)
    (report,) = load_backbone_weights(network, save(state))
    assert (report.branch, report.inflated, report.fresh) == ("lite", 6, True)
    assert report.dropped == ("classifier.1.weight",)
    taken = backbone_of(network)
    stem = "conv1.weight" if "conv1.weight" in taken else "features.0.0.weight"
    np.testing.assert_array_equal(taken.pop(stem), inflate(state[stem], 6))
    for key, array in taken.items():
        np.testing.assert_array_equal(array, state[key])
    assert "stem inflated from RGB to 6 channels" in report.to_text()
    assert "PA starts untrained" in report.to_text()
    assert "dropped: classifier.1.weight" in report.to_text()


def test_a_stem_of_as_many_channels_stays_as_it_is(save):
    network, state = create("pa_micro"), image_state("micro")
    (report,) = load_backbone_weights(network, save(state))
    assert report.inflated is None
    np.testing.assert_array_equal(backbone_of(network)["conv1.weight"], state["conv1.weight"])


def timm_name(key):
    for ours, theirs in OUTSIDE.items():
        if key.startswith(f"{ours}."):
            return key.replace(ours, theirs, 1)
    _, number, rest = key.split(".", 2)
    place = int(number) - 1
    stage = next(s for s in range(len(BLOCKS)) if place < sum(BLOCKS[: s + 1]))
    unit, _, part = rest.rpartition(".")
    names = FIRST_TO_TIMM if place == 0 else TO_TIMM
    return f"blocks.{stage}.{place - sum(BLOCKS[:stage])}.{names[unit]}.{part}"


def test_timm_names_are_recognised(save):
    state = image_state("mobilenetv2", width=0.35)
    renamed = {
        timm_name(key) if key.startswith("features") else key: array for key, array in state.items()
    }
    assert "blocks.1.0.conv_pwl.weight" in renamed
    network = create("tsm_mobilenetv2", width=0.35)
    load_backbone_weights(network, save(renamed))
    for key, array in backbone_of(network).items():
        np.testing.assert_array_equal(array, state[key])


def test_backbone_and_pa_of_a_video_network_are_loaded_without_its_classifier(save):
    source = create("pan_lite_micro")
    network = models.create("pan_lite_micro", classes=7, segments=2, stack=4, size=32)
    state = state_dict_of(source)
    (report,) = load_backbone_weights(network, save(state))
    assert not report.fresh
    assert [key for key in report.dropped if "TES" in key or "pred" in key] == list(report.dropped)
    assert len(report.dropped) == 4
    mine = state_dict_of(network)
    for key in ("PA.shallow_conv.weight", "base_model.layer1.0.conv1.net.weight"):
        np.testing.assert_array_equal(mine[key], state[key])


def test_a_network_without_pa_drops_it(save):
    (report,) = load_backbone_weights(
        create("tsn_micro"), save(image_state("micro") | {"PA.shallow_conv.bias": np.zeros(8)})
    )
    assert "PA.shallow_conv.bias" in report.dropped


def test_each_branch_of_a_fused_network_gets_the_weights(save):
    network, state = create("pan_full_micro"), image_state("micro")
    reports = load_backbone_weights(network, save(state))
    assert [report.branch for report in reports] == ["rgb", "pa"]
    for branch in network.branches.values():
        np.testing.assert_array_equal(
            backbone_of(branch)["layer2.0.conv1.weight"], state["layer2.0.conv1.weight"]
        )


def test_weights_that_do_not_fit_are_refused(save):
    with pytest.raises(
        UserError, match=r"state\.npz: .*layer1\.1\.conv1\.weight is missing.* and \d+ more"
    ):
        load_backbone_weights(create("pan_lite_resnet18"), save(image_state("micro")))
    state = image_state("micro")
    state["conv1.weight"] = np.zeros((16, 5, 5, 5), "float32")
    with pytest.raises(UserError, match="takes 5 channels, but the network's takes 6"):
        load_backbone_weights(create("pan_lite_micro"), save(state))
    state["conv1.weight"] = np.zeros(16, "float32")
    with pytest.raises(UserError, match="1 axes"):
        load_backbone_weights(create("pan_lite_micro"), save(state))
