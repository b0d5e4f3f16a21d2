"""PAN_Full: separate networks for appearance and motion."""

from collections.abc import Sequence
from typing import Any

import keras

from pan_keras.models.fused_network import FusedNetwork
from pan_keras.models.pa_network import PANetwork
from pan_keras.models.rgb_network import RGBNetwork


@keras.saving.register_keras_serializable(package="pan_keras")
class PANFull(FusedNetwork):
    """PAN_Full: the averaged scores of an RGB branch and a PA branch.

    The RGB branch takes the first frame of each stack, the PA branch the PA of the stack. Input,
    output and separate training of the branches are as in `FusedNetwork`.

    Args:
        rgb: The RGB branch; in the paper with the temporal shift and VAP.
        pa: The PA branch.
        weights: Weights of the RGB and the PA branch; in the paper 1/2 each.
        fuse: Average `"logits"` or `"probabilities"`.

    Raises:
        ValueError: If the branches do not fit each other.

    Example:
        >>> options = {"classes": 8, "backbone": "micro", "segments": 8, "stack": 4, "size": 112}
        >>> model = PANFull(rgb=RGBNetwork(**options), pa=PANetwork(**options))
        >>> frames = keras.random.uniform((2, 8, 4, 112, 112, 3), 0, 255)
        >>> model(frames).shape
        (2, 8)
        >>> model.intermediates(frames)["pa/motion"].shape
        (2, 8, 112, 112, 3)

    References:
        PAN paper, Sec. IV-A (Eq. 8, 9), Fig. 3-B.
    """

    def __init__(
        self,
        *,
        rgb: RGBNetwork,
        pa: PANetwork,
        weights: Sequence[float] = (0.5, 0.5),
        fuse: str = "logits",
        **kwargs: Any,
    ):
        super().__init__({"rgb": rgb, "pa": pa}, weights, fuse, **kwargs)
