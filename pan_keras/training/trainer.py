"""The training loop with bit-exact resume."""

import shlex
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pan_keras.clips.augmentation import Augmentation
from pan_keras.config.config import FRESH, Config
from pan_keras.data import VideoData
from pan_keras.errors import Interrupted, UserError
from pan_keras.inference.keras_classifier import KerasClassifier
from pan_keras.input import LeftOut, clip_store, reporting, steps_per_epoch, training_dataset
from pan_keras.runs.model_input import clip_shape, cue_folder
from pan_keras.runs.network import create_model
from pan_keras.runs.run import Run
from pan_keras.runs.training_record import kept_doubt
from pan_keras.runs.versions import environment, environment_changes
from pan_keras.stopping import StopRequest
from pan_keras.training.callbacks import CallbackList
from pan_keras.training.checkpoints import Checkpoints, State, Sums, TimedBatches
from pan_keras.training.initial_weights import initial_weights
from pan_keras.training.keeping import Keeping, ModelFiles
from pan_keras.training.optimisation.fine_tuning import describe_fine_tuning, freeze_layers
from pan_keras.training.optimisation.losses import Loss, Mixup, balanced_weights, cross_entropy
from pan_keras.training.optimisation.optimizers import create_optimizer
from pan_keras.training.optimisation.schedules import length
from pan_keras.training.optimisation.training_step import TrainingStep
from pan_keras.training.optimisation.weight_average import WeightAverage
from pan_keras.training.overfitting import overfitting
from pan_keras.training.progress import ConsoleProgress
from pan_keras.training.validation import Validation

# Metrics are fetched after this many steps or seconds, so that a GPU is not kept waiting.
STEPS_AHEAD = 8
SECONDS_AHEAD = 0.2


class Trainer:
    """Trains the model of a run on its data.

    A checkpoint holds the whole state: weights, moving averages, optimiser, random generators, step
    and the sums of the epoch. Batches are a function of (seed, step), except for clips that become
    unreadable during the run, which `left_out.json` records with their steps. A resumed run
    therefore sees the same batches as an uninterrupted one.

    Args:
        config: The complete configuration.
        data: The opened data.
        run: The folder to write into.
        callbacks: Called in order, after the progress display.

    Example:
        >>> from pan_keras.runs import Run
        >>> config, run = load_config(overrides=["training.epochs=1"]), Run(Path("runs/new"))
        >>> rows = Trainer(config, open_data("videos"), run).fit()
        >>> rows[-1]["val_accuracy"]
        0.96
    """

    def __init__(
        self,
        config: Config,
        data: VideoData,
        run: Run,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ):
        # TensorFlow's CPU kernels are deterministic by default.
        if config.training.deterministic and tf.config.list_physical_devices("GPU"):
            tf.config.experimental.enable_op_determinism()
        keras.utils.set_random_seed(config.training.seed)
        training = config.training
        self.run = run
        self.callbacks = tuple(callbacks)
        self.config = config
        self.shape = clip_shape(config)
        self.classes = data.classes
        self.clips = data.clips("train")
        self.skipped = data.skipped
        self.warnings = data.warnings
        self.part = training.batch // training.accumulate
        self.steps = steps_per_epoch(self.clips, training.batch)
        self.length = length(config, len(self.clips))
        self.model = create_model(config, len(data.classes), training.precision)
        frozen = freeze_layers(self.model, training.freeze)
        self.fine_tuning = describe_fine_tuning(self.model, frozen, training.first_rate)
        self.optimizer = create_optimizer(config, self.model, self.steps, self.length)
        self.average = (
            WeightAverage(self.model.weights, training.average) if training.average else None
        )
        self.train_step = TrainingStep(
            self.model,
            self.optimizer,
            self._loss(),
            parts=training.accumulate,
            mixup=Mixup(training.mixup, training.seed) if training.mixup else None,
            average=self.average,
            jit=training.jit,
        )
        fed_fields = self.shape.field is not None
        self.store = clip_store(
            self.shape,
            "disk" if fed_fields else config.data.cache,
            cue_folder(run.path, config) if fed_fields else run.path / "cache",
        )
        self._reported: set[Path] = set()
        self._ahead: list[tuple[int, tf.Tensor, tf.Tensor, int]] = []
        self._fetched = self._saved = 0.0
        self._hooks: CallbackList
        self.left_out = LeftOut(run.path / "left_out.json")
        clips = data.clips("val")
        keeping = Keeping(training.keep, len(clips), stops=training.patience > 0)
        self.files = ModelFiles(run, config, len(data.classes), keeping)
        self.validation = Validation(
            config,
            clips,
            KerasClassifier.of_model(self.model, data.classes, self.shape, batch=self.part),
            self.store,
            self.left_out,
            command=self._command,
        )
        self.checkpoints = Checkpoints(run.path / "checkpoints")
        self.writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))

    def fit(self, quiet: bool = False, notes: Sequence[str] = ()) -> list[dict[str, float]]:
        """Trains to the last epoch, from the newest checkpoint if there is one.

        Args:
            quiet: Whether to print warnings only.
            notes: Sentences to print before the start.

        Returns:
            One row of metrics per epoch.

        Raises:
            UserError: If the disk is full, all checkpoints are damaged, or the initial weights are
                missing.
            Interrupted: After Ctrl-C or SIGTERM; a checkpoint is saved.
        """
        with (
            ConsoleProgress(self.length.epochs, self.steps, quiet) as progress,
            StopRequest() as stop,
            reporting(self.store),
        ):
            for skipped in self.skipped:
                progress.message(f"{skipped.path}: left out ({skipped.reason})")
            for warning in self.warnings:
                progress.message(f"warning: {warning}")
            for note in (*notes, *self.fine_tuning):
                progress.note(note)
            self._report_left_out(progress)
            state = self._start(progress)
            if not self._is_over(state):
                self._train(state, progress, stop)
        return state.rows

    def _train(self, state: State, progress: ConsoleProgress, stop: StopRequest) -> None:
        self._hooks = CallbackList(
            [progress, *self.callbacks], self, self.length.epochs, self.steps
        )
        batches = TimedBatches(iter(self._training_batches(state.step)))
        self.model.stop_training = False
        self._saved = time.perf_counter()
        self._hooks.call("on_train_begin")
        while not (self._is_over(state) or self.model.stop_training):
            epoch = len(state.rows)
            self._hooks.call("on_epoch_begin", epoch)
            self._run_epoch(state, batches, progress, stop)
            if state.step < self.steps * (epoch + 1):
                self._save(state)
                break
            row = self._end_epoch_safely(state)
            self._saved = time.perf_counter()
            # Keras callbacks get the number of the epoch as an argument.
            logs = {name: value for name, value in row.items() if name not in ("epoch", "step")}
            self._hooks.call("on_epoch_end", epoch, logs=logs)
            self._report_left_out(progress)
        self._hooks.call("on_train_end")
        steps = self.steps * self.length.epochs
        if self._is_over(state) and state.step < steps:
            progress.note(f"stopped: {state.stale} epochs without a better validation result")
        elif state.step < steps:
            progress.note(f"stopped by a callback at step {state.step} of {steps}")
        if state.rows:
            doubts = (
                kept_doubt(self.files.keeping.record(state.rows)),
                overfitting(state.rows, len(self.classes), len(self.validation.clips)),
            )
            for doubt in filter(None, doubts):
                progress.message(f"warning: {doubt}")

    def _run_epoch(
        self, state: State, batches: TimedBatches, progress: ConsoleProgress, stop: StopRequest
    ) -> None:
        """Takes the remaining steps of an epoch, unless a callback stops training."""
        start, end = self.steps * len(state.rows), self.steps * (len(state.rows) + 1)
        logs = state.sums.figures()
        while state.step < end and not self.model.stop_training:
            if stop.signal:
                self._save(state)
                self._hooks.call("on_train_end")
                raise self._interrupted(state, stop.signal)
            self._hooks.call("on_train_batch_begin", state.step - start)
            self._advance(state, batches)
            if not self._ahead:
                logs = state.sums.figures()
            self._hooks.call("on_train_batch_end", state.step - start - 1, logs=logs)
            self._report_left_out(progress)
            if time.perf_counter() - self._saved >= self.config.training.checkpoint_seconds:
                self._save(state)
                self._saved = time.perf_counter()

    def _report_left_out(self, progress: ConsoleProgress) -> None:
        for path, reason in self.left_out.reasons.items():
            if path not in self._reported:
                self._reported.add(path)
                progress.message(f"{path}: left out from here on ({reason})")

    def _start(self, progress: ConsoleProgress) -> State:
        saved = self.checkpoints.restore(self._variables(), warn=progress.message)
        if saved is not None:
            state = State(**{**saved, "sums": Sums(**saved["sums"])})
            self._note_environment(state, progress)
            progress.note(f"resumed at step {state.step} of {self.steps * self.length.epochs}")
            return state
        state = State()
        self._note_environment(state, progress)
        source = self.config.model.weights
        if source != FRESH:
            taken = initial_weights(self.model, source, self.classes)
            self.run.write("initial_weights.json", {"taken": [part.to_json() for part in taken]})
            for part in taken:
                progress.note(part.to_text())
            if self.average is not None:
                self.average.restart()
        return state

    def _note_environment(self, state: State, progress: ConsoleProgress) -> None:
        now = environment()
        if state.step and not state.versions:
            # Runs of earlier releases have no versions in their checkpoints.
            state.versions.append({"step": 0, **self.run.versions})
        changed = environment_changes(state.versions, now)
        if changed:
            progress.message(
                f"warning: another environment than up to step {state.step}: {', '.join(changed)}; "
                "results may differ in the last bits from those of an uninterrupted run"
            )
        if changed or not state.versions:
            state.versions.append({"step": state.step, **now})
        self.run.write("versions_by_step.json", {"versions": state.versions})

    def _is_over(self, state: State) -> bool:
        patience = self.config.training.patience
        stopped = patience and state.stale >= patience
        return bool(stopped) or len(state.rows) >= self.length.epochs

    def _interrupted(self, state: State, signal: int) -> Interrupted:
        steps = self.steps * self.length.epochs
        return Interrupted(
            f"stopped at step {state.step} of {steps}; resume with: {self._command}", signal
        )

    @property
    def _command(self) -> str:
        """The command that resumes the run."""
        return f"pan-keras train --resume --run {shlex.quote(str(self.run.path))}"

    def _save(self, state: State) -> None:
        self._fetch(state)
        self.checkpoints.save(state.step, self._variables(), asdict(state))

    def _variables(self) -> list[keras.Variable]:
        averages = self.average.variables if self.average else []
        return [*self.model.variables, *self.optimizer.variables, *averages]

    def _advance(self, state: State, batches: TimedBatches) -> None:
        start, waited = time.perf_counter(), batches.waited
        loss, correct, clips = self.train_step.launch(batches)
        state.step += 1
        self._ahead.append((state.step, loss, correct, clips))
        late = time.perf_counter() - self._fetched >= SECONDS_AHEAD
        last = state.step % self.steps == 0
        if late or last or self._hooks.every_step or len(self._ahead) >= STEPS_AHEAD:
            self._fetch(state)
        state.sums.waited += batches.waited - waited
        state.sums.seconds += time.perf_counter() - start

    def _fetch(self, state: State) -> None:
        """Waits for the steps in flight and adds their metrics to the sums."""
        for step, loss, correct, clips in self._ahead:
            if not np.isfinite(loss):
                raise UserError(
                    f"{self.run.path}: the loss is NaN or infinite at step {step}; "
                    "start a new run with a lower training.learning_rate"
                )
            state.sums.loss += float(loss) * clips
            state.sums.correct += int(correct)
            state.sums.clips += clips
        self._ahead.clear()
        self._fetched = time.perf_counter()

    def _end_epoch_safely(self, state: State) -> dict[str, float]:
        try:
            return self._end_epoch(state)
        except UserError:
            # The steps of the epoch are done, and what follows them can be repeated on resume.
            self._save(state)
            raise

    def _end_epoch(self, state: State) -> dict[str, float]:
        row = {"epoch": state.step // self.steps, "step": state.step, **state.sums.figures()}
        with self.average.in_place() if self.average else nullcontext():
            row |= self._validate(state)
            row["learning_rate"] = float(self.optimizer.learning_rate)
            rows = [*state.rows, row]
            self.files.write(self.model, rows)
        self._judge(state, row)
        state.rows = rows
        state.sums = Sums()
        self.run.write_metrics(rows)
        with self.writer.as_default(step=state.step):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self.writer.flush()
        self._save(state)
        return row

    def _validate(self, state: State) -> dict[str, float]:
        if not self.validation.clips:
            return {}
        self._hooks.call("on_test_begin")
        found = self.validation(state.step * self.config.training.batch)
        with self.writer.as_default(step=state.step):
            self._hooks.validated(found.labels, found.predicted)
        self._hooks.call("on_test_end", logs={"loss": found.loss, "accuracy": found.accuracy})
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

    def _loss(self) -> Loss:
        training = self.config.training
        weights = None
        if training.class_weights:
            weights = balanced_weights([clip.label for clip in self.clips], len(self.classes))
        return cross_entropy(training.label_smoothing, weights)

    def _training_batches(self, start_step: int) -> tf.data.Dataset:
        config = self.config
        augmentation = config.augmentation
        return training_dataset(
            self.clips,
            self.shape,
            Augmentation(
                crop=augmentation.crop,
                flip=bool(augmentation.flip),
                brightness=augmentation.brightness,
                contrast=augmentation.contrast,
                rotation=augmentation.rotation,
                zoom=augmentation.zoom,
                exposure=augmentation.exposure,
            ),
            batch=config.training.batch,
            parts=config.training.accumulate,
            seed=config.training.seed,
            start_step=start_step,
            store=self.store,
            workers=config.data.workers,
            sampling=augmentation.sampling,
            left_out=self.left_out,
        )
