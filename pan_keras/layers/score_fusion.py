"""Score fusion: the weighted average of the scores of several branches."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import keras
from keras import ops

FUSIONS = ("logits", "probabilities")


@keras.saving.register_keras_serializable(package="pan_keras")
class ScoreFusion(keras.layers.Layer):
    """Averages the scores of several branches with fixed weights.

    Args:
        weights: One positive number per branch; normalised to a sum of 1.
        fuse: `"logits"` averages logits, as the scripts of the paper's released code do; more
            confident branches have more influence. `"probabilities"` averages probabilities and
            returns their logarithm, whose softmax is the average, so that cross-entropy, argmax and
            top-5 are those of the average.

    Input shape:
        `(B, branches, classes)`: logits.

    Output shape:
        `(B, classes)`: logits.

    Raises:
        ValueError: If a weight is not positive, `fuse` is unknown, or the numbers of weights and
            branches differ.

    Example:
        >>> scores = keras.random.normal((2, 3, 174))
        >>> ScoreFusion(weights=(2, 1, 1), fuse="probabilities")(scores).shape
        (2, 174)

    References:
        PAN paper, Sec. IV-A (the scores of the branches of PAN_Full) and Sec. V-D (PAN_En).
    """

    def __init__(self, weights: Sequence[float], fuse: str = "logits", **kwargs: Any):
        super().__init__(**kwargs)
        if not len(weights) or not min(weights) > 0:
            raise ValueError(f"weights must all be above 0, got {list(weights)}")
        if fuse not in FUSIONS:
            raise ValueError(f"fuse must be one of {FUSIONS}, got {fuse!r}")
        self.shares = [float(weight) / sum(weights) for weight in weights]
        self.fuse = fuse

    def build(self, input_shape: tuple[Any, ...]) -> None:
        if input_shape[1] != len(self.shares):
            raise ValueError(
                f"{self.name}: {len(self.shares)} weights for {input_shape[1]} branches; "
                "give one weight per branch"
            )

    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        shares = ops.cast(ops.reshape(self.shares, (1, -1, 1)), logits.dtype)
        if self.fuse == "logits":
            return ops.sum(shares * logits, axis=1)
        weighted = ops.log_softmax(logits) + ops.log(shares)
        # Subtracting the maximum avoids underflow of all exponentials. Pairwise maxima, since the
        # TFLite quantiser does not support a reduction by maximum.
        largest = reduce(ops.maximum, [weighted[:, row] for row in range(len(self.shares))])
        powers = ops.exp(weighted - largest[:, None])
        return largest + ops.log(ops.sum(powers, axis=1))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weights": self.shares, "fuse": self.fuse}
