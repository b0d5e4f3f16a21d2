"""Callbacks for training: Keras callbacks, optionally with the trainer and its validations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import keras
import numpy as np

from pan_keras.clips import ClipShape
from pan_keras.config.config import Config
from pan_keras.errors import UserError
from pan_keras.input import FrameStore
from pan_keras.runs.run import Run
from pan_keras.training.validation import Validation

# These would duplicate or undo what the training loop does.
UNFIT: dict[str, str] = {
    "LearningRateScheduler": "set training.learning_rate, training.schedule and training.warmup",
    "ReduceLROnPlateau": "set training.learning_rate, training.schedule and training.warmup",
    "BackupAndRestore": "every run has checkpoints; continue a run with resume",
    "SwapEMAWeights": "set training.average",
}
EARLIER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class TrainerView(Protocol):
    """The part of `Trainer` that callbacks may use.

    Attributes:
        model: The network in training.
        optimizer: Its optimizer.
        run: The run folder.
        config: The complete configuration.
        classes: Class names in the order of the logits.
        shape: Shape of the clips.
        store: Source of decoded frames.
        validation: Measures the model on the validation clips, `validation.clips`.
    """

    @property
    def model(self) -> keras.Model: ...  # noqa: D102 (described above, as all of these)

    @property
    def optimizer(self) -> keras.optimizers.Optimizer: ...  # noqa: D102

    @property
    def run(self) -> Run: ...  # noqa: D102

    @property
    def config(self) -> Config: ...  # noqa: D102

    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def shape(self) -> ClipShape: ...  # noqa: D102

    @property
    def store(self) -> FrameStore: ...  # noqa: D102

    @property
    def validation(self) -> Validation: ...  # noqa: D102


class TrainingCallback(keras.callbacks.Callback):
    """A Keras callback that also gets the trainer and the predictions of each validation.

    Attributes:
        trainer: The trainer, as `TrainerView` describes it; set before the first hook is called.

    Example:
        >>> class Errors(TrainingCallback):
        ...     def set_trainer(self, trainer):
        ...         super().set_trainer(trainer)
        ...         print("classes:", trainer.classes)
        ...
        ...     def on_validation_end(self, labels, predicted):
        ...         print((labels != predicted).sum(), "of", len(labels), "clips are wrong")
    """

    trainer: TrainerView

    def set_trainer(self, trainer: TrainerView) -> None:
        """Sets the trainer; called once before `on_train_begin`, like `set_model`.

        Args:
            trainer: The trainer.
        """
        self.trainer = trainer

    def on_validation_end(self, labels: np.ndarray, predicted: np.ndarray) -> None:
        """Called after each validation, while the model holds the weights that were validated.

        `tf.summary` writes to the TensorBoard folder of the run, at the current step.

        Args:
            labels: `(clips,)`, the true classes of the validation clips.
            predicted: `(clips,)`, their predicted classes.
        """


class CallbackList:
    """Calls the hooks of several callbacks in order.

    Args:
        callbacks: The callbacks.
        trainer: The trainer they belong to.
        epochs: Epochs of the run.
        steps: Steps per epoch.

    Attributes:
        every_step: Whether metrics must be fetched after each step, because a callback has a batch
            hook. A callback with `async_safe = True` accepts older metrics.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        trainer: TrainerView,
        epochs: int,
        steps: int,
    ):
        self.callbacks = list(callbacks)
        self.trainer = trainer
        self.every_step = any(map(_wants_every_step, callbacks))
        for callback in self.callbacks:
            callback.set_params({"verbose": 0, "epochs": epochs, "steps": steps})
            callback.set_model(trainer.model)
            if isinstance(callback, TrainingCallback):
                callback.set_trainer(trainer)

    def call(self, hook: str, *place: int, logs: Mapping[str, float] | None = None) -> None:
        """Calls a Keras hook of all callbacks.

        Args:
            hook: Name of the hook, such as `on_epoch_end`.
            place: Number of the epoch or batch, from 0, for hooks that take one.
            logs: Metrics; each callback gets its own copy.
        """
        listeners = [callback for callback in self.callbacks if _has(callback, hook)]
        if not listeners:
            return
        with self._optimizer_in_place():
            for callback in listeners:
                getattr(callback, hook)(*place, dict(logs or {}))

    def validated(self, labels: np.ndarray, predicted: np.ndarray) -> None:
        """Calls `on_validation_end` of the callbacks that have it."""
        for callback in self.callbacks:
            if isinstance(callback, TrainingCallback):
                callback.on_validation_end(labels, predicted)

    @contextmanager
    def _optimizer_in_place(self) -> Iterator[None]:
        """Sets `model.optimizer` for the hooks only, since it would be saved with the model."""
        model = self.trainer.model
        model.optimizer = self.trainer.optimizer
        try:
            yield
        finally:
            del model.optimizer


def check_callbacks(callbacks: Iterable[Any]) -> tuple[keras.callbacks.Callback, ...]:
    """Checks that callbacks can be used in training, and returns them.

    Raises:
        UserError: If one is not a Keras callback, or duplicates what the training loop does.
    """
    checked = tuple(callbacks)
    for callback in checked:
        if not isinstance(callback, keras.callbacks.Callback):
            raise UserError(
                f"callbacks: {callback!r} is not a Keras callback; give instances of "
                "keras.callbacks.Callback"
            )
        for kind in type(callback).__mro__:
            if kind.__name__ in UNFIT and kind.__module__.startswith("keras."):
                raise UserError(
                    f"callbacks: {kind.__name__} is not supported here; instead, "
                    f"{UNFIT[kind.__name__]}"
                )
    return checked


def _wants_every_step(callback: keras.callbacks.Callback) -> bool:
    if getattr(callback, "async_safe", False):
        return False
    return any(_has(callback, hook) for hook in EARLIER_NAMES)


def _has(callback: keras.callbacks.Callback, hook: str) -> bool:
    """Whether a callback overrides a hook, under its current or its earlier name in Keras."""
    return any(
        getattr(getattr(callback, name), "__func__", None)
        is not getattr(keras.callbacks.Callback, name)
        for name in (hook, EARLIER_NAMES.get(hook, hook))
    )
