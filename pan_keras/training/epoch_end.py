"""What follows the last step of an epoch: validation, model files and metrics."""

from contextlib import nullcontext

import tensorflow as tf

from pan_keras.config.config import Config
from pan_keras.runs.run import Run
from pan_keras.training.callbacks import CallbackList
from pan_keras.training.checkpoints import State, Sums
from pan_keras.training.keeping import ModelFiles
from pan_keras.training.learner import Learner
from pan_keras.training.validation import Validation


class EpochEnd:
    """Validates the model, and writes model files, metrics and TensorBoard logs.

    Args:
        run: The run folder.
        config: Its configuration.
        learner: The model in training; the average of its weights, if there is one, is validated
            and saved in their place.
        validation: Measures the model.
        files: Writes the model files.

    Example:
        >>> row = epoch_end(state, hooks)
        >>> row["val_accuracy"], state.rows[-1] is row
        (0.75, True)
    """

    def __init__(
        self,
        run: Run,
        config: Config,
        learner: Learner,
        validation: Validation,
        files: ModelFiles,
    ):
        self.run = run
        self.config = config
        self.learner = learner
        self.validation = validation
        self.files = files
        self.writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))

    def __call__(self, state: State, epoch: int, hooks: CallbackList) -> dict[str, float]:
        """Ends an epoch.

        Args:
            state: The state after its last step; gets the row, and empty sums.
            epoch: Number of the epoch, from 1.
            hooks: Called before, in and after validation.

        Returns:
            The metrics of the epoch.

        Raises:
            UserError: If the disk is full, or no validation clip can be read.
        """
        row = {"epoch": epoch, "step": state.step, **state.sums.figures()}
        average = self.learner.average
        with average.in_place() if average else nullcontext():
            row |= self._validate(state, hooks)
            row["learning_rate"] = float(self.learner.optimizer.learning_rate)
            rows = [*state.rows, row]
            self.files.write(self.learner.model, rows)
        self._judge(state, row)
        state.rows = rows
        state.sums = Sums()
        self.run.write_metrics(rows)
        with self.writer.as_default(step=state.step):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self.writer.flush()
        return row

    def _validate(self, state: State, hooks: CallbackList) -> dict[str, float]:
        if not self.validation.clips:
            return {}
        hooks.call("on_test_begin")
        found = self.validation(state.step * self.config.training.batch)
        with self.writer.as_default(step=state.step):
            hooks.validated(found.labels, found.predicted)
        hooks.call("on_test_end", logs={"loss": found.loss, "accuracy": found.accuracy})
        return {"val_loss": found.loss, "val_accuracy": found.accuracy}

    def _judge(self, state: State, row: dict[str, float]) -> None:
        """Counts the epochs without a better validation result."""
        # With few validation clips equal accuracies are common, so the loss breaks ties.
        score = (
            [row["val_accuracy"], -row["val_loss"]]
            if self.validation.clips
            else [float(state.step)]
        )
        better = score > state.best
        state.best = score if better else state.best
        state.stale = 0 if better else state.stale + 1
