"""The optimizer follows the configuration."""

import keras
import pytest

from pan_keras.config import load_config
from pan_keras.models import create
from pan_keras.training.optimisation.momentum_sgd import MomentumSGD
from pan_keras.training.optimisation.optimizers import create_optimizer
from pan_keras.training.optimisation.schedules import length


@pytest.fixture(scope="module")
def model():
    return create("pan_lite_micro", classes=3, segments=2, stack=2, size=32)


def optimizer(model, recipe, *overrides):
    config = load_config(recipe, overrides=overrides)
    return create_optimizer(config, model, 10, length(config, 100_000))


def test_the_papers_is_sgd_with_its_groups_decay_and_clipping(model):
    made = optimizer(model, "paper")
    assert isinstance(made, MomentumSGD)
    assert (made.momentum, made.decay, made.global_clipnorm) == (0.9, 1e-4, 20.0)
    assert set(made.multipliers) == {(5, 1), (10, 0), (1, 1), (1, 0)}
    assert len(made.multipliers) == len(model.trainable_variables)


def test_small_is_adamw_without_clipping(model):
    made = optimizer(model, "small")
    assert isinstance(made, keras.optimizers.AdamW)
    assert made.global_clipnorm is None
    assert made.weight_decay == 1e-3


def test_clipping_is_for_either(model):
    assert optimizer(model, "small", "training.clip_norm=2").global_clipnorm == 2.0


def test_half_precision_scales_the_loss_where_small_gradients_would_vanish(model):
    made = optimizer(model, "paper", "training.precision=mixed_float16")
    assert isinstance(made, keras.optimizers.LossScaleOptimizer)
    assert isinstance(made.inner_optimizer, MomentumSGD)
    assert float(made.scale_loss(1.0)) > 1.0
    brain = optimizer(model, "paper", "training.precision=mixed_bfloat16")
    assert isinstance(brain, MomentumSGD)
