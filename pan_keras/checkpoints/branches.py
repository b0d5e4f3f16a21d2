"""The networks that a model is made of, each of which has a checkpoint of its own."""

import keras

from pan_keras.models import PANetwork, PANLite, RGBNetwork, VideoNetwork, networks

# By what the backbone sees: RGB and PA together, PA, RGB.
NETWORKS: dict[str, type[VideoNetwork]] = {
    network.modality: network for network in (PANLite, PANetwork, RGBNetwork)
}


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
    return {network.modality: network for network in networks(model).values()}
