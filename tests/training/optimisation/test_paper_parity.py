"""The paper's training checked against the authors' code: parameter groups and four steps.

`train_steps_tinybasic_lite.npz` holds the reference's run with uint8 frames. It has all values of
weight tensors of up to 512 values after each step, and every 31st value of larger ones.

The steps run in double precision: one activation is 1e-6 before its ReLU, and in float32 it may be
rounded to 0, which would zero its gradient.
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import FOLDER, channels_last, golden

from pan_keras.backbones import ResNet
from pan_keras.checkpoints.conversion import fill
from pan_keras.checkpoints.weights import named_weights
from pan_keras.layers import PersistenceOfAppearance
from pan_keras.models import PANLite, create
from pan_keras.training.optimisation.losses import cross_entropy
from pan_keras.training.optimisation.momentum_sgd import MomentumSGD
from pan_keras.training.optimisation.optimizers import multipliers, parameter_groups
from pan_keras.training.optimisation.training_step import TrainingStep

NAMES = {"Lite": "pan_lite_resnet50", "RGB": "tsm_resnet50", "PA": "pa_resnet50"}
EVERY = 31
WHOLE = 512


def plain(key):
    """A key of the authors' code without the component for a shifted convolution."""
    return key.replace(".net.", ".")


@pytest.mark.parametrize("modality", NAMES)
def test_groups_are_those_of_the_reference(modality):
    model = create(NAMES[modality], classes=5, size=32, aggregation="vap")
    expected = {
        plain(name): (group["lr_mult"], group["decay_mult"])
        for group in json.loads((FOLDER / "param_groups_resnet50.json").read_text())[modality]
        for name in group["params"]
    }
    groups = parameter_groups(model)
    keys = {id(weight.variable): plain(weight.key) for weight in named_weights(model)}
    actual = {
        keys[id(variable)]: (group.learning_rate, group.decay)
        for group in groups
        for _, variable in group.weights
    }
    assert actual == expected
    assert sum(len(group.weights) for group in groups) == len(model.trainable_variables)


@pytest.mark.parametrize("depth", [1, 2])
def test_biases_of_pa_are_biases_at_every_depth(depth):
    frames = keras.Input((2, 8, 8, 3))
    model = keras.Model(frames, PersistenceOfAppearance(depth=depth)(frames))
    groups = {group.name: group.weights for group in parameter_groups(model)}
    assert [len(groups[name]) for name in ("PA kernel", "PA bias")] == [depth, depth]


class FromList(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule with a listed rate per step."""

    def __init__(self, rates):
        self.rates = rates

    def __call__(self, step):
        return tf.gather(tf.constant(self.rates, "float32"), step)


def reference_network(arrays):
    _, segments, stack, _, height, width = arrays["input_u8"].shape
    backbone = ResNet(
        blocks=(1, 1, 1, 1),
        widths=(8, 16, 32, 64),
        stem_width=8,
        channels=PANLite.cue_channels(stack),
        segments=segments,
        dtype="float64",
    )
    model = PANLite(
        classes=5,
        backbone=backbone,
        segments=segments,
        stack=stack,
        size=(height, width),
        dropout=0.0,
        dtype="float64",
    )
    fill(named_weights(model), under(arrays, "before."))
    return model


def under(arrays, prefix):
    """The state dict under a prefix."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def assert_reference_weights(model, arrays, prefix):
    state = {weight.key: weight.as_torch() for weight in named_weights(model)}
    expected = under(arrays, prefix)
    assert state.keys() == expected.keys()
    for name, value in state.items():
        values = value.ravel() if value.size <= WHOLE else value.ravel()[::EVERY]
        np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.fixture
def eager():
    """Runs `tf.function`s eagerly, since each is called only once here."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eager")
def test_four_steps_are_those_of_the_reference():
    arrays = golden("train_steps_tinybasic_lite")
    batch = channels_last(arrays["input_u8"]), arrays["target"]
    model = reference_network(arrays)
    weights = model.trainable_variables
    optimizer = MomentumSGD(
        FromList(arrays["lr"].tolist()),
        decay=1e-4,
        multipliers=multipliers(parameter_groups(model), weights),
    )
    optimizer.build(weights)
    norms = []

    class Watched(TrainingStep):
        def update(self, gradients):
            # Gradients of the logits are float32 like the logits.
            gradients = [tf.cast(gradient, "float64") for gradient in gradients]
            norms.append(float(tf.linalg.global_norm(gradients)))
            super().update(gradients)

    losses, step = [], Watched(model, optimizer, cross_entropy())
    for index, clip in enumerate(arrays["clip"].tolist()):
        optimizer.global_clipnorm = clip
        losses.append(step(iter([batch]))[0])
        if index == 0:
            assert_reference_weights(model, arrays, "after1.")
    assert_reference_weights(model, arrays, "after4.")
    np.testing.assert_allclose(losses, arrays["losses"], rtol=1e-6)
    np.testing.assert_allclose(norms, arrays["grad_norms"], rtol=1e-6)
