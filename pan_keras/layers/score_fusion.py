"""Score fusion: the weighted average of the scores of several branches."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import keras
from keras import ops

FUSIONS = ("logits", "probabilities")


@keras.saving.register_keras_serializable(package="pan_keras")
class ScoreFusion(keras.layers.Layer):
    """Averages the logits of several branches, by fixed weights.

    Args:
        weights: One positive number a branch; brought to a sum of 1.
        fuse: `"logits"` averages the logits themselves, as the paper's released code does when it
            is called as its scripts call it: a branch that is surer counts for more.
            `"probabilities"` averages the branches' probabilities and gives their logarithm, which
            serves as logits: its softmax is the average, and cross-entropy, argmax and top-5 are
            those of the average.

    Input shape:
        `(B, branches, classes)`: logits.

    Output shape:
        `(B, classes)`: logits.

    Raises:
        ValueError: If a weight is not positive, `fuse` is not one of the two, or there is not one
            weight for each branch.

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
                "give one weight a branch"
            )

    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        shares = ops.cast(ops.reshape(self.shares, (1, -1, 1)), logits.dtype)
        if self.fuse == "logits":
            return ops.sum(shares * logits, axis=1)
        weighted = ops.log_softmax(logits) + ops.log(shares)
        # The largest is taken out, for the powers of all could be zero. Pairwise maxima, since the
        # quantiser for phones has no reduction by maximum.
        largest = reduce(ops.maximum, [weighted[:, row] for row in range(len(self.shares))])
        powers = ops.exp(weighted - largest[:, None])
        return largest + ops.log(ops.sum(powers, axis=1))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weights": self.shares, "fuse": self.fuse}
