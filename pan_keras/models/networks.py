"""Traverses a model: its networks, and their layers with weights."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import keras

from pan_keras.models.fused_network import FusedNetwork
from pan_keras.models.video_network import VideoNetwork

Result = TypeVar("Result")


def fold(
    model: keras.Model,
    single: Callable[[VideoNetwork], Result],
    fused: Callable[[FusedNetwork, Mapping[str, Result]], Result],
) -> Result:
    """Folds a function over the networks of a model.

    Args:
        model: A `VideoNetwork`, or a `FusedNetwork` of such or of further fused ones.
        single: Computes the result for a single network.
        fused: Combines the results of a fused network's branches, by name.

    Returns:
        The result for the model.

    Example:
        >>> from pan_keras import models
        >>> model = models.create("pan_en_micro", classes=8, size=64)
        >>> fold(model, lambda network: 1, lambda _, parts: sum(parts.values()))
        3
    """
    if not isinstance(model, FusedNetwork):
        return single(model)
    parts = {name: fold(branch, single, fused) for name, branch in model.branches.items()}
    return fused(model, parts)


def networks(model: keras.Model) -> dict[str, VideoNetwork]:
    """Lists the single networks of a model, each with frames as its input.

    Args:
        model: As `fold` takes it.

    Returns:
        The networks by name: the name of the model for a single network; for fused ones the names
        of the branches, such as `full/rgb` for a branch within a branch.

    Example:
        >>> from pan_keras import models
        >>> list(networks(models.create("pan_lite_micro", classes=8)))
        ['pan_lite_micro']
        >>> list(networks(models.create("pan_en_micro", classes=8)))
        ['lite', 'full/rgb', 'full/pa']
    """
    if not isinstance(model, FusedNetwork):
        return {model.name: model}
    return fold(model, lambda network: {"": network}, _prefixed)


def _prefixed(
    _: FusedNetwork, parts: Mapping[str, dict[str, VideoNetwork]]
) -> dict[str, VideoNetwork]:
    return {
        f"{name}/{inner}" if inner else name: network
        for name, part in parts.items()
        for inner, network in part.items()
    }


def weighted_layers(model: keras.Model) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Yields names and layers with weights, from the input to the logits.

    Names do not include the backbone, so that `conv1` is `conv1` in every network, but they do
    include the branch in fused networks.

    Args:
        model: As `fold` takes it.

    Yields:
        The name and the layer.

    Example:
        >>> from pan_keras import models
        >>> model = models.create("pan_lite_micro", classes=2, size=32)
        >>> [name for name, _ in weighted_layers(model)][:3]
        ['persistence_of_appearance', 'conv1', 'bn1']
    """
    for network in networks(model).values():
        prefix = "" if network is model else f"{network.name}/"
        for layer in flat_layers(network):
            if layer.weights:
                yield prefix + layer.name, layer


def flat_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yields the layers of a model and of the models nested in it, such as the backbone."""
    for layer in model.layers:
        yield from flat_layers(layer) if isinstance(layer, keras.Model) else (layer,)
