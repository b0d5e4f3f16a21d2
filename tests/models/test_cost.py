"""The cost counter against the figures of the paper and torchvision, and sums by hand."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from pan_keras import backbones, flow, models
from pan_keras.bench.model_table import build_and_count
from pan_keras.bench.paper_costs import paper_costs, to_text
from pan_keras.layers import PersistenceOfAppearance
from pan_keras.models.calls import calls_of, peak_bytes
from pan_keras.models.cost import cost

# Published by torchvision: parameters, and billions of multiply-accumulates of convolutions and
# classifier, at 224 pixels and 1,000 classes.
TORCHVISION = {
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "mobilenetv2": (3_504_872, 0.301),
}


def classifier(backbone):
    def make():
        image = keras.Input((224, 224, 3))
        return keras.Model(image, keras.layers.Dense(1000)(backbones.create(backbone)(image)))

    return make


@pytest.mark.parametrize("name", TORCHVISION)
def test_backbones_cost_what_torchvision_states(name):
    parameters, gigas = TORCHVISION[name]
    counted = build_and_count(classifier(name))
    assert counted.parameters == parameters
    assert round(counted.needed_macs / 1e9, 3) == gigas
    assert counted.uncounted == ()


@pytest.fixture(scope="module")
def papers():
    return paper_costs()


def test_the_page_shows_what_is_counted(papers):
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    for row in papers:
        digits = 3 if row.table == "I" else 2
        counted, needed = (macs / 1e9 for macs in (row.cost.macs, row.cost.needed_macs))
        assert f"| {row.paper} | {counted:.{digits}f} | {needed:.{digits}f} |" in page, row.what


def test_the_papers_figures(papers):
    motion, attention, *others = papers
    flows, networks = others[:3], others[3:]
    positions = 8 * 224 * 224
    convolutions, biases = positions * 6 * 8 * 147, positions * 6 * 8
    differences = positions * 5 * 8
    assert motion.cost.macs == convolutions + biases + differences
    assert attention.cost.macs == motion.cost.macs + differences
    for row in (motion, attention):
        assert round(row.cost.macs / 1e9, 3) == row.paper
        assert row.cost.parameters == 1184
    for row in flows:
        assert round(row.cost.macs / 1e9) == pytest.approx(row.paper, abs=1), row.what
        assert row.cost.uncounted == ()
    for row in networks:
        assert abs(row.cost.macs / 1e9 - row.paper) < 0.1, row.what
    assert len(to_text(papers).splitlines()) == 1 + len(papers)
    assert motion.to_json()["macs"] == 2_867_658_752


def test_flow_networks_need_less_than_the_paper_counts(papers):
    counted = {row.what.partition(",")[0]: row.cost for row in papers if row.table == "II"}
    # Transposed convolutions: three of four products in the paper's count are with zeros.
    for cost_of in counted.values():
        transposed, needed = cost_of.by_kind()["Conv2DTranspose"]
        assert transposed == pytest.approx(4 * needed, rel=1e-3)
    # 441 displacements of 256 channels at 32 x 32 positions, for 40 pairs.
    correlation = 40 * 441 * 256 * 32 * 32
    for name in ("flownet_c", "flownet2"):
        assert counted[name].by_kind()["Correlation"] == (0, correlation)
    # Three channels are warped four times, with four products per value.
    assert counted["flownet2"].by_kind()["Warping"] == (0, 40 * 4 * 4 * 3 * 256 * 256)
    assert counted["flownet_s"].parameters == 38_676_506
    assert counted["flownet_c"].parameters == 39_175_298
    assert counted["flownet2"].parameters == 162_518_834


def test_raft_counts_all_pairs_once_and_reads_each_iteration():
    counted = build_and_count(lambda: flow.create("raft_small", size=64, iterations=3))
    pairs = 64 * 64 * 128
    assert counted.by_kind()["CorrelationPyramid"] == (pairs, pairs)
    assert counted.by_kind()["CorrelationLookup"] == (0, 3 * 4 * 64 * 196)
    assert counted.parameters == 990_162


def test_pa_needs_one_convolution_less_than_the_paper_counts():
    frames = keras.Input((4, 16, 16, 3))
    counted = cost(keras.Model(frames, PersistenceOfAppearance()(frames)))
    subtractions, convolutions, squares = 3 * 3 * 256, 3 * 8 * 147 * 256, 3 * 8 * 256
    assert counted.needed_macs == subtractions + convolutions + squares


@pytest.mark.parametrize(("depth", "kernels"), [(0, 0), (2, 3 * 8 * 49 + 8 * 8 * 49)])
def test_deeper_pa_counts_every_layer(depth, kernels):
    frames = keras.Input((4, 16, 16, 3))
    counted = cost(keras.Model(frames, PersistenceOfAppearance(depth=depth)(frames)))
    features = 8 if depth else 3
    assert counted.macs == 4 * 256 * (kernels + 8 * depth) + 3 * 256 * features
    assert counted.parameters == kernels + 8 * depth


def test_layers_of_a_custom_model_cost_what_is_computed_by_hand():
    maps = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(6, 3, padding="same")(maps)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.DepthwiseConv2D(3, use_bias=False)(x)
    x = keras.layers.Conv2DTranspose(2, 2, strides=2, use_bias=False)(x)
    x = keras.layers.Dense(5)(keras.layers.Flatten()(x))
    counted = cost(keras.Model(maps, x))
    by_kind = {
        "Conv2D": (64 * 6 * (9 * 4 + 1), 64 * 6 * 9 * 4),
        "BatchNormalization": (2 * 64 * 6, 0),
        "DepthwiseConv2D": (36 * 6 * 9, 36 * 6 * 9),
        "Conv2DTranspose": (144 * 2 * 6 * 4, 36 * 6 * 2 * 4),
        "Dense": (5 * (288 + 1), 5 * 288),
    }
    assert counted.by_kind() == by_kind
    assert counted.macs == sum(paper for paper, _ in by_kind.values())


def test_a_layer_that_is_used_twice_has_its_weights_once():
    image = keras.Input((4,))
    dense = keras.layers.Dense(4)
    counted = cost(keras.Model(image, dense(dense(image))))
    assert (counted.parameters, counted.needed_macs) == (20, 32)


def test_layers_are_named_by_the_models_around_them():
    model = models.create("pan_full_micro", classes=3, segments=2, stack=2, size=32)
    paths = [layer.path for layer in cost(model).layers]
    assert "pan_full_micro/pa/micro/layer1_0_conv1" in paths
    assert "pan_full_micro/pa/persistence_of_appearance" in paths


def test_a_sequential_model_is_followed():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    assert cost(model).needed_macs == 12 + 6


def test_layers_without_a_rule_are_named():
    steps = keras.Input((5, 4))
    counted = cost(keras.Model(steps, keras.layers.LSTM(3, name="memory")(steps)))
    assert [path.rpartition("/")[2] for path in counted.uncounted] == ["memory"]


def test_activation_memory_is_that_of_the_worst_moment():
    maps = keras.Input((10,))
    wide = ops.concatenate([maps, maps, maps])
    narrow = ops.reshape(wide, (-1, 5, 6))[:, 0]
    # 10 and 30 values while the wide tensor is computed, then 30 and 6; the reshape needs none.
    assert peak_bytes(calls_of(keras.Model(maps, narrow))) == 4 * (10 + 30)


def test_activations_of_half_precision_take_half_the_room():
    create = {"classes": 3, "segments": 2, "stack": 2, "size": 64}
    full, half = (
        cost(models.create("tsn_resnet18", dtype=policy, **create)).activation_bytes
        for policy in ("float32", "mixed_bfloat16")
    )
    assert half < 0.7 * full


def test_counting_does_not_change_the_model():
    model = models.create("pan_lite_micro", classes=3, segments=2, stack=2, size=32)
    frames = np.ones((1, 2, 2, 32, 32, 3), "float32")
    before = model.predict_on_batch(frames)
    cost(model)
    np.testing.assert_array_equal(model.predict_on_batch(frames), before)
    assert model.backbone.get_layer("conv1").output.shape == (None, None, None, 16)


def test_a_model_of_no_known_size_is_refused():
    with pytest.raises(ValueError, match="create it for one size"):
        cost(backbones.create("micro"))


def test_a_model_that_is_not_functional_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match="not a functional model"):
        cost(Own())
