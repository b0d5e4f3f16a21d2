"""Adam with decoupled weight decay and a learning rate per weight."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from pan_keras.training.optimisation.weight_multipliers import WeightMultipliers


@keras.saving.register_keras_serializable(package="pan_keras")
class LayerwiseAdam(WeightMultipliers, keras.optimizers.Adam):
    """AdamW with multipliers of learning rate and weight decay per weight.

    With multipliers of 1 its steps equal those of Keras's AdamW.

    Args:
        learning_rate: Rate or schedule.
        decay: Decoupled weight decay.
        multipliers: One pair `(of the rate, of the decay)` for each weight, in the order in which
            the optimizer is built on them; None for 1 everywhere.
        kwargs: As Keras' Adam takes them, such as `global_clipnorm`.

    Raises:
        ValueError: If there are more or fewer multipliers than weights.

    Example:
        >>> weight = keras.Variable([1.0, 2.0])
        >>> optimizer = LayerwiseAdam(0.1, multipliers=[(0.5, 0.0)])
        >>> optimizer.apply([keras.ops.ones(2)], [weight])
        >>> weight.numpy()
        array([0.95, 1.95], dtype=float32)

    References:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019. Howard and Ruder,
        "Universal Language Model Fine-tuning for Text Classification", ACL 2018 (rates by layer).
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        decay: float = 0.0,
        multipliers: Sequence[tuple[float, float]] | None = None,
        name: str = "layerwise_adam",
        **kwargs: Any,
    ):
        super().__init__(
            learning_rate=learning_rate, decay=decay, multipliers=multipliers, name=name, **kwargs
        )

    def update_step(self, gradient, variable, learning_rate):
        """Updates one weight."""
        rate, decay = self.rate_and_decay(variable)
        learning_rate = ops.cast(learning_rate, variable.dtype) * rate
        if decay:
            self.assign_sub(variable, variable * (decay * learning_rate))
        super().update_step(gradient, variable, learning_rate)
