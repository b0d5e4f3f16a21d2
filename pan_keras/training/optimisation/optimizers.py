"""The optimizer that a configuration asks for."""

import keras

from pan_keras.config.config import Config
from pan_keras.training.optimisation.momentum_sgd import MomentumSGD
from pan_keras.training.optimisation.parameter_groups import multipliers, parameter_groups
from pan_keras.training.optimisation.schedules import Length, learning_rate


def create_optimizer(
    config: Config, model: keras.Model, steps: int, length: Length
) -> keras.optimizers.Optimizer:
    """Makes an optimizer and its state for the weights of a model.

    Args:
        config: A configuration.
        model: The network to train.
        steps: Steps of an epoch.
        length: Length of the run.

    Returns:
        `sgd`: `MomentumSGD` with the paper's parameter groups. `adamw`: AdamW whose norms and
        biases do not decay. In `mixed_float16` either is wrapped, so that small gradients do not
        vanish.
    """
    training = config.training
    rate = learning_rate(config, steps, length)
    clip = training.clip_norm or None
    weights = model.trainable_variables
    optimizer: keras.optimizers.Optimizer
    if training.optimizer == "sgd":
        optimizer = MomentumSGD(
            rate,
            decay=training.weight_decay,
            multipliers=multipliers(parameter_groups(model), weights),
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
