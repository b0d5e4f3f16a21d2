"""Models run, train, are saved and loaded, and all that are registered have the listed cost."""

import csv
from pathlib import Path

import keras
import numpy as np
import pytest
from differentiate import differentiate

from pan_keras import models
from pan_keras.bench.model_table import model_table

CLIP = {"classes": 3, "segments": 2, "stack": 2, "size": 32}
COSTS = Path(__file__).parent / "costs.csv"
TENSORFLOW = keras.backend.backend() == "tensorflow"
# Families and backbones do not know each other: every family on one backbone, every backbone in one
# family. ResNet-101 is ResNet-50 with more of the same blocks. On other backends each kind of block
# once, since JAX compiles slowly.
BACKBONES = ["resnet18", "resnet50", "mobilenetv2"] if TENSORFLOW else ["resnet18", "mobilenetv2"]
NAMES = [*models.names("*_micro"), *(f"pan_lite_{backbone}" for backbone in BACKBONES)]


def logits_of(model, frames):
    return keras.ops.convert_to_numpy(model(frames))


def take_gradient_step(model, frames, cotangent):
    """Moves all weights by a thousandth along the gradient of the logits."""
    gradients, _ = differentiate(model, frames, cotangent)
    assert len(gradients) == len(model.trainable_weights)
    length = np.sqrt(sum(np.square(gradient, dtype="float64").sum() for gradient in gradients))
    assert 0 < length < np.inf
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        weight.assign_add(1e-3 * gradient / length)


@pytest.mark.parametrize("name", NAMES)
def test_runs_trains_and_survives_saving(name, tmp_path):
    keras.utils.set_random_seed(0)
    model = models.create(name, **CLIP)
    clip = (1, *model.input_shape[1:])
    frames = np.random.default_rng(0).uniform(0, 255, clip).astype("float32")
    before = logits_of(model, frames)
    take_gradient_step(model, frames, np.array([[2, -1, -1]], "float32"))
    after = logits_of(model, frames)
    assert before.shape == after.shape == (1, 3)
    assert np.isfinite(after).all()
    assert not np.array_equal(before, after)
    model.save(tmp_path / "model.keras")
    kind = type(model)
    del model
    loaded = models.load(tmp_path)
    assert type(loaded) is kind
    np.testing.assert_array_equal(logits_of(loaded, frames), after)


@pytest.mark.skipif(not TENSORFLOW, reason="costs are counted from shapes, on any backend alike")
def test_costs_are_those_of_the_table():
    with COSTS.open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    counted = {row.name: row.cost for row in model_table()}
    assert list(rows) == list(counted)
    for name, cost in counted.items():
        assert cost.parameters == int(rows[name]["parameters"]), name
        assert cost.macs == int(rows[name]["macs"]), name
        assert not cost.uncounted
