"""Exponential moving average of the weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
from keras import ops


class WeightAverage:
    """An exponential moving average of the weights of a model.

    Moving statistics of batch normalisation are averaged along with their weights. The decay is at
    most `(1 + step) / (10 + step)`, so that the average of a short run depends less on the random
    initial weights.

    Args:
        weights: Weights of the model, trained ones and statistics.
        decay: Share of the old value kept at each step, such as 0.999.

    Attributes:
        variables: The averages, which checkpoints include.

    Example:
        >>> average = WeightAverage(model.weights, 0.999)
        >>> average.update(step)
        >>> with average.in_place():
        ...     model.save("averaged.keras")

    References:
        Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.
    """

    def __init__(self, weights: Sequence[keras.Variable], decay: float):
        self.weights = list(weights)
        self.decay = decay
        self.variables = [
            keras.Variable(weight.numpy(), trainable=False, dtype=weight.dtype, name="average")
            for weight in self.weights
        ]

    def update(self, step) -> None:
        """Updates the averages.

        Args:
            step: Steps done, a number or tensor.
        """
        step = ops.cast(step, "float32")
        share = 1 - ops.minimum(self.decay, (1 + step) / (10 + step))
        for average, weight in zip(self.variables, self.weights, strict=True):
            average.assign_add(share * (weight - average))

    def restart(self) -> None:
        """Resets the averages to the current weights."""
        for average, weight in zip(self.variables, self.weights, strict=True):
            average.assign(weight)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Swaps the averages in for the weights inside the block."""
        weights = [weight.numpy() for weight in self.weights]
        for weight, average in zip(self.weights, self.variables, strict=True):
            weight.assign(average)
        try:
            yield
        finally:
            for weight, value in zip(self.weights, weights, strict=True):
                weight.assign(value)
