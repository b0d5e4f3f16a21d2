"""Optimizers with the paper's parameter groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from pan_keras.config.config import Config
from pan_keras.layers import (
    BatchNormalization,
    PersistenceOfAppearance,
    VariousTimescaleAggregationPooling,
)
from pan_keras.models import weighted_layers
from pan_keras.training.optimisation.fine_tuning import rate_multipliers
from pan_keras.training.optimisation.layerwise_adam import LayerwiseAdam
from pan_keras.training.optimisation.momentum_sgd import MomentumSGD
from pan_keras.training.optimisation.schedules import Length, learning_rate

# Layers after the backbone.
HEAD = (VariousTimescaleAggregationPooling, keras.layers.Dense)


@dataclass(frozen=True)
class ParameterGroup:
    """Weights with the same learning rate and decay.

    Args:
        name: Name of the group.
        learning_rate: Multiplier of the learning rate.
        decay: Multiplier of the weight decay.
        weights: Pairs of name and variable; the name is that of the layer and the weight, such as
            `conv1/kernel`.
    """

    name: str
    learning_rate: float
    decay: float
    weights: tuple[tuple[str, keras.Variable], ...] = ()


# The authors' code trains weights from ImageNet at the base rate, and randomly initialised ones
# (PA and the head) at five times that. Biases have twice the rate; biases and norms do not decay.
GROUPS = (
    ParameterGroup("PA kernel", 5.0, 1.0),
    ParameterGroup("PA bias", 10.0, 0.0),
    ParameterGroup("backbone kernels", 1.0, 1.0),
    ParameterGroup("backbone biases", 2.0, 0.0),
    ParameterGroup("normalisation", 1.0, 0.0),
    ParameterGroup("head kernels", 5.0, 1.0),
    ParameterGroup("head biases", 10.0, 0.0),
)


def parameter_groups(model: keras.Model) -> list[ParameterGroup]:
    """Splits the trainable weights of a model into the groups of the authors' code.

    Args:
        model: A video classifier.

    Returns:
        The groups that are not empty; each weight is in exactly one.

    Example:
        >>> model = models.create("pan_lite_micro", classes=2, size=32)
        >>> [(group.name, group.learning_rate) for group in parameter_groups(model)][:2]
        [('PA kernel', 5.0), ('PA bias', 10.0)]

    References:
        PAN paper, Sec. V-A, and `get_optim_policies` of the authors' code.
    """
    members: dict[str, list[tuple[str, keras.Variable]]] = {group.name: [] for group in GROUPS}
    for name, layer in weighted_layers(model):
        for weight in layer.trainable_weights:
            members[_group(layer, weight)].append((f"{name}/{weight.name}", weight))
    return [
        ParameterGroup(group.name, group.learning_rate, group.decay, tuple(members[group.name]))
        for group in GROUPS
        if members[group.name]
    ]


def multipliers(
    groups: Sequence[ParameterGroup], weights: Sequence[keras.Variable]
) -> list[tuple[float, float]]:
    """Multipliers of rate and decay, one pair per weight, in order.

    Args:
        groups: Groups that contain every weight.
        weights: The trainable weights of the model.
    """
    by_weight = {
        id(weight): (group.learning_rate, group.decay)
        for group in groups
        for _, weight in group.weights
    }
    return [by_weight[id(weight)] for weight in weights]


def _group(layer: keras.layers.Layer, weight: keras.Variable) -> str:
    # PA of greater depth has `bias_0`, `bias_1` and so on.
    kind = "bias" if weight.name.startswith("bias") else "kernel"
    if isinstance(layer, BatchNormalization):
        return "normalisation"
    if isinstance(layer, PersistenceOfAppearance):
        return f"PA {kind}"
    part = "head" if isinstance(layer, HEAD) else "backbone"
    return f"{part} biases" if kind == "bias" else f"{part} kernels"


def create_optimizer(
    config: Config, model: keras.Model, steps: int, length: Length
) -> keras.optimizers.Optimizer:
    """Creates an optimizer and its state for the weights of a model.

    Args:
        config: A configuration.
        model: The network to train.
        steps: Steps per epoch.
        length: Length of the run.

    Returns:
        `sgd`: `MomentumSGD` with the paper's parameter groups. `adamw`: AdamW without decay of
        norms and biases. Both apply `training.first_rate`. In `mixed_float16` either is wrapped
        with loss scaling, so that small gradients do not underflow.
    """
    training = config.training
    rate = learning_rate(config, steps, length)
    clip = training.clip_norm or None
    weights = model.trainable_variables
    optimizer: keras.optimizers.Optimizer
    shares = rate_multipliers(model, training.first_rate)
    if training.optimizer == "sgd":
        pairs = multipliers(parameter_groups(model), weights)
        optimizer = MomentumSGD(
            rate,
            decay=training.weight_decay,
            multipliers=[
                (share * multiple, decay)
                for share, (multiple, decay) in zip(shares, pairs, strict=True)
            ],
            global_clipnorm=clip,
        )
    elif training.first_rate != 1:
        spared = ("bias", "gamma", "beta")
        optimizer = LayerwiseAdam(
            rate,
            decay=training.weight_decay,
            multipliers=[
                (share, float(not any(name in weight.name for name in spared)))
                for share, weight in zip(shares, weights, strict=True)
            ],
            global_clipnorm=clip,
        )
    else:
        optimizer = keras.optimizers.AdamW(
            rate, weight_decay=training.weight_decay, global_clipnorm=clip
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if training.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(weights)
    return optimizer
