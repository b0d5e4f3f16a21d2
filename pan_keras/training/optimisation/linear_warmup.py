"""A learning rate that begins low."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="pan_keras")
class LinearWarmup(keras.optimizers.schedules.LearningRateSchedule):
    """Lets the rate of another schedule rise in a straight line over its first steps.

    Args:
        schedule: The schedule that holds from then on; it counts its steps from the start.
        steps: Steps of the rise. The first step has `1 / steps` of the rate.

    Example:
        >>> constant = keras.optimizers.schedules.PiecewiseConstantDecay([10], [1.0, 0.1])
        >>> [float(LinearWarmup(constant, 4)(step)) for step in (0, 1, 3, 4, 11)]
        [0.25, 0.5, 1.0, 1.0, 0.10000000149011612]

    References:
        Goyal et al., "Accurate, Large Minibatch SGD", 2017.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int):
        super().__init__()
        self.schedule = schedule
        self.steps = steps

    def __call__(self, step):
        """The rate at a step."""
        risen = (ops.cast(step, "float32") + 1) / self.steps
        return self.schedule(step) * ops.minimum(risen, 1.0)

    def get_config(self):
        """The arguments."""
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "steps": self.steps,
        }

    @classmethod
    def from_config(cls, config):
        """From what `get_config` gave."""
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["steps"])
