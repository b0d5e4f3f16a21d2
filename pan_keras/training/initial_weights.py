"""Where training starts: other networks' weights, by what `model.weights` names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import keras

from pan_keras.checkpoints import load_backbone_weights
from pan_keras.training.fine_tuning import start_from


class Taken(Protocol):
    """What a network took over from another."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""

    def to_text(self) -> str:
        """For a person."""


def initial_weights(
    model: keras.Model, source: str, classes: Sequence[str] | None = None
) -> tuple[Taken, ...]:
    """Gives a network the weights that training is to start from.

    A run folder or a `.keras` file gives all layers that fit, as `start_from` says; any other file,
    or `imagenet`, the backbone, as `load_backbone_weights` says.

    Args:
        model: The network to train; its weights change.
        source: `model.weights` of the configuration.
        classes: Names of the network's classes.

    Returns:
        What was taken and what was dropped.

    Raises:
        UserError: If the source cannot be read, or nothing in it fits.
    """
    if Path(source).is_dir() or source.endswith(".keras"):
        return (start_from(model, source, classes),)
    return load_backbone_weights(model, source)
