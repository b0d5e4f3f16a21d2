"""Frozen layers do not change, and the others use the requested learning rates."""

import keras
import numpy as np
import pytest

from pan_keras.config import load_config
from pan_keras.errors import UserError
from pan_keras.models import create, weighted_layers
from pan_keras.runs.run import open_run
from pan_keras.training import train
from pan_keras.training.optimisation.fine_tuning import (
    backbone_layers,
    describe_fine_tuning,
    freeze_layers,
    rate_multipliers,
)
from pan_keras.training.optimisation.layerwise_adam import LayerwiseAdam
from pan_keras.training.optimisation.losses import cross_entropy
from pan_keras.training.optimisation.optimizers import create_optimizer
from pan_keras.training.optimisation.schedules import length
from pan_keras.training.optimisation.training_step import TrainingStep


def micro():
    keras.utils.set_random_seed(2)
    return create("pan_lite_micro", classes=3, segments=4, stack=2, size=32)


def step(model, *overrides):
    """How far each layer moves in a step, and which of its arrays change."""
    config = load_config(overrides=["training.weight_decay=0", *overrides])
    optimizer = create_optimizer(config, model, 10, length(config, 100))
    before = {name: layer.get_weights() for name, layer in weighted_layers(model)}
    frames = np.random.default_rng(0).integers(0, 255, (4, 4, 2, 32, 32, 3), "uint8")
    batches = iter([(frames, np.array([0, 1, 2, 0]))])
    TrainingStep(model, optimizer, cross_entropy())(batches)
    return {
        name: max(
            np.abs(after - earlier).max()
            for after, earlier in zip(layer.get_weights(), before[name], strict=True)
        )
        for name, layer in weighted_layers(model)
    }


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_first_layers_keep_weights_and_statistics(share):
    model = micro()
    frozen = freeze_layers(model, share)
    (layers,) = backbone_layers(model)
    assert frozen == [layer.name for layer in layers[: round(share * len(layers))]]
    moved = step(model)
    assert {name for name, distance in moved.items() if distance == 0} == set(frozen)


def test_rates_rise_from_the_first_layer_to_the_last():
    model = micro()
    rates = rate_multipliers(model, 0.1)
    by_weight = dict(zip(map(id, model.trainable_variables), rates, strict=True))
    (layers,) = backbone_layers(model)
    along = [by_weight[id(layer.trainable_weights[0])] for layer in layers]
    assert along[0] == pytest.approx(0.1)
    assert along[-1] == 1.0
    ratios = np.diff(np.log(along))
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-6)
    assert by_weight[id(model.get_layer("logits").kernel)] == 1.0
    assert by_weight[id(model.get_layer("persistence_of_appearance").weights[0])] == 1.0


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_first_layer_moves_by_its_share(optimizer):
    settings = [f"training.optimizer={optimizer}", "training.clip_norm=0"]
    whole = step(micro(), *settings)
    part = step(micro(), *settings, "training.first_rate=0.01")
    assert part["conv1"] == pytest.approx(0.01 * whole["conv1"], rel=2e-2)
    assert part["logits"] == pytest.approx(whole["logits"], rel=1e-3)


def test_multipliers_of_one_take_the_steps_of_adamw():
    draw = np.random.default_rng(1)
    start, gradients = draw.normal(size=5), draw.normal(size=(4, 5))
    ways = []
    for make in (
        lambda: keras.optimizers.AdamW(0.1, weight_decay=0.2),
        lambda: LayerwiseAdam(0.1, decay=0.2, multipliers=[(1.0, 1.0)]),
    ):
        weight, optimizer = keras.Variable(start, dtype="float64"), make()
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
        ways.append(np.asarray(weight))
    np.testing.assert_allclose(*ways, rtol=1e-6)


def test_an_optimizer_is_restored_from_its_configuration():
    made = LayerwiseAdam(0.1, decay=0.2, multipliers=[(0.5, 1.0)])
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert (again.decay, again.multipliers) == (0.2, [(0.5, 1.0)])
    with pytest.raises(ValueError, match="1 multipliers for 2 weights"):
        again.build([keras.Variable(0.0), keras.Variable(1.0)])


def test_trained_layers_are_reported():
    model = micro()
    frozen = freeze_layers(model, 0.1)
    weighted = len(list(weighted_layers(model)))
    first, second = describe_fine_tuning(model, frozen, 0.2)
    assert (
        first == f"{weighted - len(frozen)} of {weighted} layers are trained; frozen: conv1 to bn1"
    )
    assert "multiplied by 0.2 in the backbone's first layer" in second
    assert describe_fine_tuning(model, [], 1.0) == []


def test_a_run_keeps_the_frozen_layers_of_the_run_it_starts_from(run, small_motions, tmp_path):
    settings = ["training.epochs=1", "training.freeze=1.0", f'model.weights="{run.path}"']
    shape = ["model.segments=4", "model.stack=2", "model.size=[24, 32]", "model.resize=32"]
    overrides = [*settings, *shape]
    train("motions", root=small_motions, overrides=overrides, run=tmp_path / "tuned", quiet=True)
    given, tuned = run.load_model(), open_run(tmp_path / "tuned").load_model()
    for before, after in zip(given.backbone.weights, tuned.backbone.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(before), np.asarray(after))
    assert not np.array_equal(
        np.asarray(given.get_layer("logits").kernel), np.asarray(tuned.get_layer("logits").kernel)
    )


def test_fresh_weights_cannot_be_frozen(small_motions, tmp_path):
    with pytest.raises(UserError, match=r"training\.freeze is 0\.5, but the backbone starts from"):
        train("motions", root=small_motions, overrides=["training.freeze=0.5"], run=tmp_path / "a")
