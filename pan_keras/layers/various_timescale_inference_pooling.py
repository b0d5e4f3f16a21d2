"""Various-timescale inference pooling (VIP): VAP's predecessor, with preset weights."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from pan_keras.layers.timescales import (
    TimescalePooling,
    pool_timescales,
    timescale_members,
    timescales,
)


@keras.saving.register_keras_serializable(package="pan_keras")
class VariousTimescaleInferencePooling(TimescalePooling):
    """Pools a clip's segment features at several timescales and sums them with fixed weights.

    The timescale features are those of VAP (see `pan_keras.layers.timescale_members`); the weights
    are the same for every clip. Before a linear classifier this equals fusing the timescales'
    scores, as in the original VIP.

    The PAN paper states that VIP's weights are fixed hyper-parameters but not their values. By
    default all timescales have the same share, divided evenly over their features: a feature of
    timescale k weighs 1 / (k * number of timescales).

    Args:
        weights: Share of each timescale k = 1, 2, 4, ...; normalised to a sum of 1. Equal by
            default.

    Call arguments:
        features: Features of the segments of each clip.
        return_weights: Whether to return the weights of the timescales with the video feature.

    Input shape:
        `(B, N, d)`, N known and at least 2.

    Output shape:
        `(B, d)`; with `return_weights` a pair of it and the weights `(B, T)`.

    Raises:
        ValueError: If N is too small, or `weights` are negative, all zero, or not one per
            timescale.

    Example:
        >>> features = keras.random.normal((2, 8, 512))
        >>> VariousTimescaleInferencePooling(weights=(2, 1, 1))(features).shape
        (2, 512)

    References:
        PAN paper, Sec. I (contributions) and Table IV; Zhang et al., "PAN: Persistent Appearance
        Network with an Efficient Motion Cue for Fast Action Recognition", ACM MM 2019.
    """

    def __init__(self, weights: Sequence[float] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if weights is not None and (min(weights) < 0 or sum(weights) <= 0):
            raise ValueError(f"weights must not be negative, nor all zero, got {list(weights)}")
        self.preset = None if weights is None else [float(weight) for weight in weights]

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self._weights = self._feature_weights(input_shape[1])

    def _feature_weights(self, segments: int) -> Any:
        scales = timescales(segments)
        shares = self.preset or [1.0] * len(scales)
        if len(shares) != len(scales):
            raise ValueError(
                f"{self.name}: weights has {len(shares)} values, but {segments} segments have the "
                f"timescales {scales}; give one weight for each"
            )
        share = dict(zip(scales, np.asarray(shares) / np.sum(shares), strict=True))
        return np.array([share[k] / k for k, _, _ in timescale_members(segments)])

    def call(
        self, features: keras.KerasTensor, return_weights: bool = False
    ) -> keras.KerasTensor | tuple[keras.KerasTensor, keras.KerasTensor]:
        pooled = pool_timescales(features)
        weights = ops.cast(self._weights, pooled.dtype)
        output = ops.sum(weights[None, :, None] * pooled, axis=1)
        if not return_weights:
            return output
        return output, ops.zeros_like(pooled[:, :, 0]) + weights

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weights": self.preset}
