"""Multipliers of learning rate and weight decay per weight."""

from collections.abc import Sequence
from typing import Any

import keras


class WeightMultipliers(keras.optimizers.Optimizer):
    """Base of optimizers with multipliers of learning rate and weight decay per weight.

    Args:
        decay: Weight decay.
        multipliers: One pair `(rate multiplier, decay multiplier)` per weight, in the order in
            which the optimizer is built on them; None for 1 everywhere.
        kwargs: Arguments of Keras optimizers.

    Raises:
        ValueError: If there are more or fewer multipliers than weights.
    """

    def __init__(
        self,
        *,
        decay: float = 0.0,
        multipliers: Sequence[tuple[float, float]] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.decay = decay
        self.multipliers = (
            None
            if multipliers is None
            else [(float(rate), float(decay)) for rate, decay in multipliers]
        )

    def build(self, variables):
        """Checks that there is one pair per weight, and creates the optimizer's variables."""
        if self.multipliers is not None and len(self.multipliers) != len(variables):
            raise ValueError(
                f"{self.name}: {len(self.multipliers)} multipliers for {len(variables)} weights; "
                "give one pair for each"
            )
        super().build(variables)

    def rate_and_decay(self, variable: keras.Variable) -> tuple[float, float]:
        """Returns the multiplier of a weight's learning rate, and its weight decay.

        Args:
            variable: A weight that the optimizer was built on.
        """
        if self.multipliers is None:
            return 1.0, self.decay
        rate, decay = self.multipliers[self._get_variable_index(variable)]
        return rate, self.decay * decay

    def get_config(self):
        """The arguments, including those of Keras."""
        multipliers = self.multipliers and [list(pair) for pair in self.multipliers]
        return {**super().get_config(), "decay": self.decay, "multipliers": multipliers}
