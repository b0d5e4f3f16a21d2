"""The layers of a model that hold weights, whatever they are nested in."""

from collections.abc import Iterator

import keras

from pan_keras.layers import VariousTimescaleAggregationPooling
from pan_keras.models import VideoNetwork

# What a network knows of its classes, behind the backbone.
HEAD = (VariousTimescaleAggregationPooling, keras.layers.Dense)


def weighted_layers(
    model: keras.Model, prefix: str = ""
) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Names and layers that hold weights, from the input to the logits.

    A backbone's name is no part of the names, so that `conv1` is `conv1` in every network; the name
    of a branch is.

    Args:
        model: A model.
        prefix: Put before the names.

    Example:
        >>> model = models.create("pan_lite_micro", classes=2, size=32)
        >>> [name for name, _ in weighted_layers(model)][:3]
        ['persistence_of_appearance', 'conv1', 'bn1']
    """
    for layer in model.layers:
        if isinstance(layer, VideoNetwork):
            yield from weighted_layers(layer, f"{prefix}{layer.name}/")
        elif isinstance(layer, keras.Model):
            yield from weighted_layers(layer, prefix)
        elif layer.weights:
            yield prefix + layer.name, layer
