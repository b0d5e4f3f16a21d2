"""What a training changes: the network, its optimizer and the averages of its weights."""

from collections.abc import Sequence

import keras

from pan_keras.config.config import Config
from pan_keras.data import Clip
from pan_keras.runs.network import create_model
from pan_keras.training.optimisation.fine_tuning import describe_fine_tuning, freeze_layers
from pan_keras.training.optimisation.losses import Loss, Mixup, balanced_weights, cross_entropy
from pan_keras.training.optimisation.optimizers import create_optimizer
from pan_keras.training.optimisation.replicated_step import ReplicatedStep
from pan_keras.training.optimisation.schedules import length
from pan_keras.training.optimisation.training_step import TrainingStep
from pan_keras.training.optimisation.weight_average import WeightAverage
from pan_keras.training.replicas import Replicas


class Learner:
    """The variables of a training, on all of its workers, and the step that changes them.

    Args:
        config: The complete configuration.
        clips: The training clips.
        classes: Number of classes.
        steps: Steps per epoch.
        replicas: The workers that train together.

    Attributes:
        model: The network.
        optimizer: Its optimizer.
        average: Moving average of the weights, if there is one.
        step: Takes one training step.
        fine_tuning: What is frozen, and at which rates the rest learns, as sentences.

    Example:
        >>> learner = Learner(config, clips, classes=8, steps=12, replicas=Replicas())
        >>> loss, correct, clips = learner.step.launch(batches)
    """

    def __init__(
        self, config: Config, clips: Sequence[Clip], classes: int, steps: int, replicas: Replicas
    ):
        with replicas.scope():
            training = config.training
            self.model = create_model(config, classes, training.precision)
            frozen = freeze_layers(self.model, training.freeze)
            self.fine_tuning = describe_fine_tuning(self.model, frozen, training.first_rate)
            self.optimizer = create_optimizer(config, self.model, steps, length(config, len(clips)))
            self.average = (
                WeightAverage(self.model.weights, training.average) if training.average else None
            )
            step = TrainingStep(
                self.model,
                self.optimizer,
                _loss(config, clips, classes),
                parts=1 if replicas.strategy is not None else training.accumulate,
                mixup=Mixup(training.mixup, training.seed) if training.mixup else None,
                average=self.average,
                jit=training.jit,
            )
        self.step: TrainingStep | ReplicatedStep = step
        if replicas.strategy is not None:
            self.step = ReplicatedStep(
                step,
                replicas.strategy,
                parts=training.accumulate,
                synchronised=training.synchronised_normalisation,
            )

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables that a checkpoint holds, random generators included, in a fixed order."""
        averages = self.average.variables if self.average else []
        return [*self.model.variables, *self.optimizer.variables, *averages]


def _loss(config: Config, clips: Sequence[Clip], classes: int) -> Loss:
    training = config.training
    weights = None
    if training.class_weights:
        weights = balanced_weights([clip.label for clip in clips], classes)
    return cross_entropy(training.label_smoothing, weights)
