"""The network that a configuration names."""

import keras

from pan_keras import models
from pan_keras.errors import UserError
from pan_keras.training.config import Config


def create_model(config: Config, classes: int, precision: str = "float32") -> keras.Model:
    """Makes a network with fresh weights.

    Args:
        config: A configuration.
        classes: Number of classes.
        precision: Policy of its arithmetic; weights are float32 under every policy.

    Raises:
        UserError: If there is no such network, or it cannot be as the configuration says.
    """
    model = config.model
    options = {"shift": model.shift, "aggregation": model.aggregation, "width": model.width}
    try:
        return models.create(
            model.name,
            classes=classes,
            segments=model.segments,
            stack=model.stack,
            size=model.size,
            dropout=model.dropout,
            causal=model.causal,
            seed=config.training.seed,
            dtype=precision,
            **{name: value for name, value in options.items() if value is not None},
        )
    except ValueError as error:
        raise UserError(f"[model] of the configuration: {error}") from error
