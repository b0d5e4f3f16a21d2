"""The networks that a model is made of, each of which has a checkpoint of its own."""

import keras

from pan_keras.models import FusedNetwork, PANetwork, PANLite, RGBNetwork, VideoNetwork

# By what the backbone sees: RGB and PA together, PA, RGB.
NETWORKS: dict[str, type[VideoNetwork]] = {"lite": PANLite, "pa": PANetwork, "rgb": RGBNetwork}


def branches_of(model: keras.Model) -> dict[str, VideoNetwork]:
    """The networks of a model by modality: `lite`, `pa`, `rgb`.

    Args:
        model: One network, or several that are fused.

    Example:
        >>> list(branches_of(models.create("pan_full_micro", classes=8)))
        ['rgb', 'pa']
        >>> list(branches_of(models.create("tsm_micro", classes=8)))
        ['rgb']
    """
    if isinstance(model, FusedNetwork):
        return {
            modality: network
            for branch in model.branches.values()
            for modality, network in branches_of(branch).items()
        }
    return {modality: model for modality, network in NETWORKS.items() if isinstance(model, network)}
