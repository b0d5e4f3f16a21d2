"""Learning-rate schedules and the length of training."""

from dataclasses import dataclass, replace
from fnmatch import fnmatch

import keras
from keras import ops

from pan_keras.config.config import Config


@keras.saving.register_keras_serializable(package="pan_keras")
class LinearWarmup(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up before another schedule.

    Args:
        schedule: The schedule after the warm-up; it counts steps from the start of training.
        steps: Steps of warm-up. The first step has `1 / steps` of the rate.

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
        """Recreates the schedule from its `get_config`."""
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["steps"])


# The paper halves the epochs for HMDB51 and UCF101, with 3,570 and 9,537 training clips, but not
# for the other data sets, with 86,017 and more.
FEW_CLIPS = 20_000
RGB_NETWORKS = ("tsm_*", "tsn_*")


@dataclass(frozen=True)
class Length:
    """The length of a run.

    Args:
        epochs: Passes over the training clips.
        milestones: Fractions of the epochs after which the rate is divided by ten.
    """

    epochs: int
    milestones: tuple[float, ...]


# PAN paper, Sec. V-A.
PAPER = Length(80, (30 / 80, 60 / 80))
PAPER_RGB = Length(50, (20 / 50, 40 / 50))


def length(config: Config, clips: int) -> Length:
    """The length of a training: as configured, or else as in the paper.

    Args:
        config: A configuration.
        clips: Number of training clips; below 20,000 the paper's epochs are halved.

    Example:
        >>> config = load_config("paper", overrides=["model.name=tsm_resnet50"])
        >>> length(config, clips=86017)
        Length(epochs=50, milestones=(0.4, 0.8))
        >>> length(config, clips=9537).epochs
        25
    """
    rgb = any(fnmatch(config.model.name, pattern) for pattern in RGB_NETWORKS)
    paper = PAPER_RGB if rgb else PAPER
    epochs = paper.epochs // 2 if clips < FEW_CLIPS else paper.epochs
    training = config.training
    return Length(training.epochs or epochs, training.milestones or paper.milestones)


def with_length(config: Config, clips: int) -> Config:
    """Returns the configuration with its `length` filled in."""
    found = length(config, clips)
    milestones = found.milestones if config.training.schedule == "steps" else ()
    training = replace(config.training, epochs=found.epochs, milestones=milestones)
    return replace(config, training=training)


def highest_rate(config: Config) -> float:
    """The learning rate after warm-up, scaled with the batch size if so configured."""
    training = config.training
    scale = training.batch / training.reference_batch if training.reference_batch else 1.0
    return training.learning_rate * scale


def learning_rate(
    config: Config, steps: int, length: Length
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Creates the learning-rate schedule of a run.

    Args:
        config: A configuration.
        steps: Steps per epoch.
        length: Length of the run.
    """
    training = config.training
    highest, total = highest_rate(config), steps * length.epochs
    schedule: keras.optimizers.schedules.LearningRateSchedule
    if training.schedule == "cosine":
        schedule = keras.optimizers.schedules.CosineDecay(highest, total)
    else:
        # Keras keeps the old value up to and including the boundary.
        boundaries = [round(share * total) - 1 for share in length.milestones]
        values = [highest / 10**drops for drops in range(len(boundaries) + 1)]
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)
    rising = round(training.warmup * steps)
    return LinearWarmup(schedule, rising) if rising else schedule


def describe(config: Config, asked: Config, clips: int) -> list[str]:
    """Describes the settings that were derived from the data and the batch size.

    Args:
        config: The configuration in use.
        asked: The configuration as given.
        clips: Number of training clips.
    """
    training, lines = config.training, []
    if asked.training.epochs is None:
        why = f", half as many, since {clips} training clips are few" if clips < FEW_CLIPS else ""
        lines.append(f"epochs: {training.epochs}, as in the paper{why}")
    if training.reference_batch not in (0, training.batch):
        lines.append(
            f"learning rate: {highest_rate(config):g}, since {training.learning_rate:g} is meant "
            f"for {training.reference_batch} clips per step and a step has {training.batch}"
        )
    return lines
