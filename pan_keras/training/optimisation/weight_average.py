"""Exponential moving average of the weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
from keras import ops


class WeightAverage:
    """An exponential moving average of the weights of a model.

    Moving statistics of batch normalisation are averaged with the weights that they belong to. The
    average of a short run leans less on the first, random weights: the share that stays is at most
    `(1 + step) / (10 + step)`.

    Args:
        weights: Weights of the model, trained ones and statistics.
        decay: Share of the old value that stays at a step, such as 0.999.

    Attributes:
        variables: The averages; a checkpoint holds them.

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
        """Moves the averages towards the weights.

        Args:
            step: Steps done, a number or tensor.
        """
        step = ops.cast(step, "float32")
        share = 1 - ops.minimum(self.decay, (1 + step) / (10 + step))
        for average, weight in zip(self.variables, self.weights, strict=True):
            average.assign_add(share * (weight - average))

    def restart(self) -> None:
        """Begins again from the weights as they are now."""
        for average, weight in zip(self.variables, self.weights, strict=True):
            average.assign(weight)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Puts the averages in place of the weights, and the weights back in the end."""
        weights = [weight.numpy() for weight in self.weights]
        for weight, average in zip(self.weights, self.variables, strict=True):
            weight.assign(average)
        try:
            yield
        finally:
            for weight, value in zip(self.weights, weights, strict=True):
                weight.assign(value)
