"""PAN_En: an ensemble of PAN_Lite and PAN_Full."""

from collections.abc import Sequence
from typing import Any

import keras

from pan_keras.backbones.registry import unknown
from pan_keras.models.fused_network import FusedNetwork
from pan_keras.models.pan_full import PANFull
from pan_keras.models.pan_lite import PANLite

WEIGHTS = {"paper": (1 / 2, 1 / 2), "reference": (1 / 3, 2 / 3)}


@keras.saving.register_keras_serializable(package="pan_keras")
class PANEnsemble(FusedNetwork):
    """PAN_En: the averaged scores of PAN_Lite and PAN_Full.

    Input, output and separate training of the branches are as in `FusedNetwork`. `full` keeps its
    own `fuse`, which may differ from that of this network.

    Args:
        lite: PAN_Lite.
        full: PAN_Full.
        weights: `"paper"`: PAN_Lite and PAN_Full weigh 1/2 each, so that Lite, RGB and PA weigh
            1/2, 1/4 and 1/4. `"reference"`: PAN_Full weighs twice as much, so that the three weigh
            1/3 each, as in the paper's released code. Or two numbers, for Lite and Full.
        fuse: Average `"logits"` or `"probabilities"`.

    Raises:
        ValueError: If the branches do not fit each other.

    Example:
        >>> from pan_keras.models import PANetwork, RGBNetwork
        >>> options = {"classes": 8, "backbone": "micro", "segments": 8, "stack": 4, "size": 112}
        >>> full = PANFull(rgb=RGBNetwork(**options), pa=PANetwork(**options))
        >>> model = PANEnsemble(lite=PANLite(**options), full=full, weights="reference")
        >>> model(keras.random.uniform((2, 8, 4, 112, 112, 3), 0, 255)).shape
        (2, 8)

    References:
        PAN paper, Sec. V-D (PAN_En), Table V.
    """

    def __init__(
        self,
        *,
        lite: PANLite,
        full: PANFull,
        weights: str | Sequence[float] = "paper",
        fuse: str = "logits",
        **kwargs: Any,
    ):
        if isinstance(weights, str):
            if weights not in WEIGHTS:
                raise unknown("choice of weights", weights, WEIGHTS)
            weights = WEIGHTS[weights]
        super().__init__({"lite": lite, "full": full}, weights, fuse, **kwargs)
