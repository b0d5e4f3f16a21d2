"""Callbacks of a training: Keras's own, and what the training tells beyond them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from pan_keras.errors import UserError

if TYPE_CHECKING:
    from pan_keras.training.trainer import Trainer

# These would do again, or undo, what the training does itself.
UNFIT: dict[str, str] = {
    "LearningRateScheduler": "set training.learning_rate, training.schedule and training.warmup",
    "ReduceLROnPlateau": "set training.learning_rate, training.schedule and training.warmup",
    "BackupAndRestore": "every run has checkpoints; go on with a run by resume",
    "SwapEMAWeights": "set training.average",
}
EARLIER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class TrainingCallback(keras.callbacks.Callback):
    """A Keras callback that also gets the trainer and the predictions of each validation.

    Attributes:
        trainer: The trainer, with `run`, `config`, `classes`, `shape`, `store` and `validation`;
            set before the first hook is called.

    Example:
        >>> class Errors(TrainingCallback):
        ...     def set_trainer(self, trainer):
        ...         super().set_trainer(trainer)
        ...         print("classes:", trainer.classes)
        ...
        ...     def on_validation_end(self, labels, predicted):
        ...         print((labels != predicted).sum(), "of", len(labels), "clips are wrong")
    """

    trainer: "Trainer"

    def set_trainer(self, trainer: "Trainer") -> None:
        """Takes the trainer; called once before `on_train_begin`, as `set_model` is.

        Args:
            trainer: The trainer.
        """
        self.trainer = trainer

    def on_validation_end(self, labels: np.ndarray, predicted: np.ndarray) -> None:
        """Called after each validation, while the model holds the weights that were validated.

        `tf.summary` writes to the TensorBoard folder of the run, at the current step.

        Args:
            labels: `(clips,)`, the true classes of the validation clips.
            predicted: `(clips,)`, the classes that the model gave them.
        """


class CallbackList:
    """Calls the hooks of several callbacks in their order.

    Args:
        callbacks: The callbacks.
        trainer: The trainer they belong to.
        epochs: Epochs of the run.
        steps: Steps per epoch.

    Attributes:
        every_step: Whether a callback has a hook for batches, so that the metrics must be fetched
            after each step. `async_safe = True` in a callback says that older ones will do.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        trainer: "Trainer",
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
        """Calls one of Keras's hooks of all callbacks.

        Args:
            hook: Its name, such as `on_epoch_end`.
            place: Number of the epoch or of the batch, from 0, for hooks that take one.
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
        """Lets hooks find `model.optimizer`, which would be saved with the model if it stayed."""
        model = self.trainer.model
        model.optimizer = self.trainer.optimizer
        try:
            yield
        finally:
            del model.optimizer


def check_callbacks(callbacks: Iterable[Any]) -> tuple[keras.callbacks.Callback, ...]:
    """The callbacks, if all can serve in a training.

    Raises:
        UserError: If one is not a Keras callback, or does what the training does itself.
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
                    f"callbacks: {kind.__name__} does not fit this training; "
                    f"instead, {UNFIT[kind.__name__]}"
                )
    return checked


def _wants_every_step(callback: keras.callbacks.Callback) -> bool:
    if getattr(callback, "async_safe", False):
        return False
    return any(_has(callback, hook) for hook in EARLIER_NAMES)


def _has(callback: keras.callbacks.Callback, hook: str) -> bool:
    """Whether a callback does anything in a hook, be it under Keras's earlier name for it."""
    return any(
        getattr(getattr(callback, name), "__func__", None)
        is not getattr(keras.callbacks.Callback, name)
        for name in (hook, EARLIER_NAMES.get(hook, hook))
    )
