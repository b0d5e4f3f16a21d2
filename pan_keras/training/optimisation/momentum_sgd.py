"""Stochastic gradient descent with momentum, with the semantics of torch."""

from collections.abc import Sequence

import keras
from keras import ops

from pan_keras.training.optimisation.weight_multipliers import WeightMultipliers


@keras.saving.register_keras_serializable(package="pan_keras")
class MomentumSGD(WeightMultipliers):
    """SGD with torch's momentum and weight decay, and multipliers per weight.

    A step with the gradient g of a weight w, its velocity v and the learning rate lr is

        g = g + decay * w,    v = momentum * v + g,    w = w - lr * v

    Keras's SGD stores `lr * v` instead of v. The two differ once the rate changes: the accumulated
    velocity is then scaled by the new rate here, but by the old one in Keras.

    Args:
        learning_rate: Rate or schedule.
        momentum: Share of the velocity that is kept.
        decay: Weight decay, added to the gradient and so to the velocity.
        multipliers: One pair `(rate multiplier, decay multiplier)` per weight, in the order in
            which the optimizer is built on them; None for 1 everywhere.
        kwargs: Arguments of Keras optimizers, such as `global_clipnorm`; clipping comes before the
            decay.

    Raises:
        ValueError: If there are more or fewer multipliers than weights.

    Example:
        >>> weight = keras.Variable([1.0, 2.0])
        >>> optimizer = MomentumSGD(0.1, multipliers=[(5.0, 0.0)])
        >>> optimizer.apply([keras.ops.ones(2)], [weight])
        >>> weight.numpy()
        array([0.5, 1.5], dtype=float32)

    References:
        Sutskever et al., "On the importance of initialization and momentum in deep learning",
        ICML 2013, in torch's variant. PAN paper, Sec. V-A.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.01,
        momentum: float = 0.9,
        decay: float = 0.0,
        multipliers: Sequence[tuple[float, float]] | None = None,
        name: str = "momentum_sgd",
        **kwargs,
    ):
        super().__init__(
            learning_rate=learning_rate, decay=decay, multipliers=multipliers, name=name, **kwargs
        )
        self.momentum = momentum

    def build(self, variables):
        """Creates a velocity per weight."""
        if self.built:
            return
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        """Updates one weight."""
        rate, decay = self.rate_and_decay(variable)
        velocity = self.velocities[self._get_variable_index(variable)]
        gradient = ops.cast(gradient, variable.dtype)
        if decay:
            gradient = gradient + decay * variable
        self.assign(velocity, self.momentum * velocity + gradient)
        self.assign_sub(variable, ops.cast(learning_rate * rate, variable.dtype) * velocity)

    def get_config(self):
        """The arguments, including those of Keras."""
        return {**super().get_config(), "momentum": self.momentum}
