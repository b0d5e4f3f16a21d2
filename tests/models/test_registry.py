"""The model registry: names, options and errors."""

from itertools import combinations

import numpy as np
import pytest

from pan_keras import models
from pan_keras.layers import SegmentConsensus, TemporalShift


def create(name="pan_lite_micro", **options):
    return models.create(name, **{"classes": 3, "segments": 4, "stack": 3, "size": 32, **options})


def shifts(model):
    return [layer for layer in model.backbone.layers if isinstance(layer, TemporalShift)]


def test_names_are_families_times_backbones():
    assert len(models.names()) == 8 * 6
    assert models.names("pan_lite_*") == [
        f"pan_lite_{backbone}"
        for backbone in ("micro", "mobilenetv2", "resnet101", "resnet18", "resnet34", "resnet50")
    ]
    assert models.names("nothing*") == []


@pytest.mark.parametrize("name", models.names("*_micro"))
def test_every_family_makes_its_model(name):
    model = create(name, size=(32, 48))
    assert model.name == name
    assert model.output_shape == (None, 3)
    fields = name.startswith("flow")
    assert model.input_shape == (None, 4, *((2, 32, 48, 2) if fields else (3, 32, 48, 3)))
    assert (model.classes, model.segments, model.stack) == (3, 4, 3)
    assert tuple(model.size) == (32, 48)


def test_a_network_of_one_cue_names_it():
    cues = {name.rpartition("_")[0]: models.cue_of(name) for name in models.names("*_micro")}
    assert cues == {
        "difference": "difference",
        "flow": "flow",
        "pa": "pa",
        "pan_en": None,
        "pan_full": None,
        "pan_lite": None,
        "tsm": "rgb",
        "tsn": "rgb",
    }


@pytest.mark.parametrize("family", ["difference", "flow"])
def test_motion_needs_two_frames(family):
    with pytest.raises(ValueError, match="stack must be at least 2, got 1"):
        create(f"{family}_micro", stack=1)


@pytest.mark.parametrize(
    ("family", "shifted", "averages"),
    [("pan_lite", True, False), ("pa", True, False), ("tsm", True, True), ("tsn", False, True)],
)
def test_families_differ_as_the_paper_says(family, shifted, averages):
    model = create(f"{family}_micro")
    assert bool(shifts(model)) == shifted
    assert any(isinstance(layer, SegmentConsensus) for layer in model.layers) == averages


def test_options_reach_the_network():
    model = create(shift=False, dropout=0.1, expansion=2)
    assert shifts(model) == []
    assert model.get_layer("dropout").rate == 0.1
    assert model.get_layer("vap").expansion == 2
    assert create(aggregation="vip").get_layer("vip").trainable_weights == []
    assert all(shift.causal for shift in shifts(create(causal=True)))


def test_width_reaches_the_backbone_of_every_branch():
    model = create("pan_en_mobilenetv2", width=0.25)
    inner = model.branches["full"].branches
    for branch in (model.branches["lite"], inner["rgb"], inner["pa"]):
        assert branch.backbone.get_layer("features_0_0").filters == 8


def test_options_reach_every_branch_and_the_fusion():
    model = create("pan_full_micro", causal=True, weights=(3, 1), fuse="probabilities")
    for branch in model.branches.values():
        assert all(shift.causal for shift in shifts(branch))
    assert (model.fusion.shares, model.fusion.fuse) == ([0.75, 0.25], "probabilities")
    inner = create("pan_en_micro", fuse="probabilities", weights="reference").branches["full"]
    assert (inner.fusion.shares, inner.fusion.fuse) == ([0.5, 0.5], "probabilities")


@pytest.mark.parametrize(
    ("name", "option"),
    [("pan_lite_resnet18", "width"), ("pan_lite_micro", "fuse"), ("pan_full_micro", "width")],
)
def test_options_of_other_models_are_refused(name, option):
    assert option not in models.options(name)
    with pytest.raises(ValueError, match=f"unknown option of {name} '{option}'"):
        create(name, **{option: 1})


def test_an_unknown_model_gets_the_nearest_as_suggestion():
    with pytest.raises(ValueError, match="did you mean 'pan_lite_resnet50'"):
        create("panlite_resnet50")


def test_an_unknown_option_gets_the_nearest_as_suggestion():
    with pytest.raises(ValueError, match=r"option of pan_lite_micro 'dropuot'.*'dropout'"):
        create(dropuot=0.1)


def test_an_unknown_aggregation_gets_the_nearest_as_suggestion():
    with pytest.raises(ValueError, match="did you mean 'average'"):
        create(aggregation="averge")


def test_causal_without_a_shift_is_refused():
    with pytest.raises(ValueError, match="temporal shift, which is off"):
        create("tsn_micro", causal=True)


def masks(model, calls=3):
    """Dropout masks of each branch over some steps."""
    layers = {}
    for name, branch in model.branches.items():
        if hasattr(branch, "branches"):
            layers.update(
                {key: inner.get_layer("dropout") for key, inner in branch.branches.items()}
            )
        else:
            layers[name] = branch.get_layer("dropout")
    ones = np.ones((4, 96), "float32")
    return {
        name: np.array([layer(ones, training=True) for _ in range(calls)]) > 0
        for name, layer in layers.items()
    }


@pytest.mark.parametrize("name", ["pan_full_micro", "pan_en_micro"])
def test_branches_drop_features_independently_and_reproducibly(name):
    made = masks(create(name, seed=3))
    pairs = list(combinations(made.values(), 2))
    assert len(made) == (2 if "full" in name else 3)
    for one, other in pairs:
        # Independent masks with rate one half agree in half of the values.
        assert np.mean(one == other) == pytest.approx(0.5, abs=0.1)
    again, others = masks(create(name, seed=3)), masks(create(name, seed=4))
    for branch, mask in made.items():
        np.testing.assert_array_equal(mask, again[branch])
        assert (mask != others[branch]).any()


def test_the_reference_initialises_pa_and_vap_like_the_classifier():
    model = create("pan_full_micro", initialisation="reference", segments=8)
    pa = model.branches["pa"].get_layer("persistence_of_appearance")
    for layer in (pa, *(branch.get_layer("vap") for branch in model.branches.values())):
        for weight in layer.get_weights():
            # The bias of PA is zero.
            assert weight.std() == pytest.approx(0.001 * bool(weight.any()), rel=0.3)
    scaled = create("pan_lite_micro").get_layer("persistence_of_appearance")
    assert scaled.get_weights()[0].std() > 0.05


def test_an_unknown_initialisation_is_refused():
    with pytest.raises(ValueError, match="did you mean 'reference'"):
        create(initialisation="refrence")
