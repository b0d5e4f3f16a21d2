"""Freezing and layer-wise learning rates for pretrained backbones."""

from collections.abc import Sequence
from typing import Any

import keras

from pan_keras import models


def freeze_layers(model: keras.Model, share: float) -> list[str]:
    """Freezes the first layers of each backbone, including the statistics of their norms.

    Args:
        model: A video classifier.
        share: Share of the backbone's layers with weights, counted from its input.

    Returns:
        Names of the frozen layers.

    Example:
        >>> model = models.create("pan_lite_micro", classes=2, size=32)
        >>> freeze_layers(model, 0.1)
        ['conv1', 'bn1']
    """
    frozen = []
    for layers in backbone_layers(model):
        for layer in layers[: round(share * len(layers))]:
            layer.trainable = False
            frozen.append(layer.name)
    return frozen


def rate_multipliers(model: keras.Model, first: float) -> list[float]:
    """Computes a multiplier of the learning rate for each trainable weight of a model.

    They rise geometrically from the first layer of a backbone to 1 at its last one; PA and the
    head, which start from random weights, have 1.

    Args:
        model: A video classifier.
        first: Multiplier of the backbone's first layer.

    Example:
        >>> model = models.create("pan_lite_micro", classes=2, size=32)
        >>> rates = rate_multipliers(model, 0.1)
        >>> min(rates), max(rates)
        (0.1, 1.0)
    """
    rates: dict[int, float] = {}
    for layers in backbone_layers(model):
        for number, layer in enumerate(layers):
            depth = number / max(1, len(layers) - 1)
            rates |= {id(weight): first ** (1 - depth) for weight in layer.trainable_weights}
    return [rates.get(id(weight), 1.0) for weight in model.trainable_variables]


def describe_fine_tuning(model: keras.Model, frozen: Sequence[str], first: float) -> list[str]:
    """Describes which layers train, and at which rates.

    Args:
        model: The network with frozen layers.
        frozen: The result of `freeze_layers`.
        first: As for `rate_multipliers`.
    """
    sentences = []
    if frozen:
        weighted = [layer for _, layer in models.weighted_layers(model)]
        span = frozen[0] if len(frozen) == 1 else f"{frozen[0]} to {frozen[-1]}"
        trained = sum(bool(layer.trainable_weights) for layer in weighted)
        sentences.append(f"{trained} of {len(weighted)} layers are trained; frozen: {span}")
    if first != 1:
        sentences.append(
            f"learning rate: multiplied by {first:g} in the backbone's first layer, rising to "
            "1 in its last"
        )
    return sentences


def backbone_layers(model: keras.Model) -> list[list[Any]]:
    """Layers with weights of each backbone of a model, in order from the input."""
    return [
        [layer for _, layer in models.weighted_layers(network.backbone)]
        for network in models.networks(model).values()
    ]
