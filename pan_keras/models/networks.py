"""The networks inside a model: itself, or the branches that it fuses."""

import keras

from pan_keras.models import VideoNetwork


def networks(model: keras.Model) -> dict[str, VideoNetwork]:
    """The single networks of a model, each with frames as its input.

    Args:
        model: A `VideoNetwork`, or a model whose `branches` are such by name.

    Returns:
        The networks by name: the model's own for a single network; for fused ones the names of
        the branches, `full/rgb` for a branch within a branch.

    Example:
        >>> from pan_keras import models
        >>> list(networks(models.create("pan_lite_micro", classes=8)))
        ['pan_lite_micro']
    """
    branches = getattr(model, "branches", None)
    if not branches:
        return {model.name: model}
    found: dict[str, VideoNetwork] = {}
    for name, branch in branches.items():
        inner = networks(branch)
        single = len(inner) == 1
        found |= {name if single else f"{name}/{key}": each for key, each in inner.items()}
    return found
