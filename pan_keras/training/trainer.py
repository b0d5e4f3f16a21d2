"""The training loop: exact to the bit across a kill and a resume."""

import shlex
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict

import keras
import numpy as np
import tensorflow as tf

from pan_keras.data import (
    Augmentation,
    FrameStore,
    VideoData,
    evaluation_dataset,
    reporting,
    steps_per_epoch,
    training_dataset,
)
from pan_keras.errors import Interrupted, UserError
from pan_keras.files import replacing
from pan_keras.training.checkpoints import Checkpoints
from pan_keras.training.fused_normalization import use_fused_normalization
from pan_keras.training.inference import Inference
from pan_keras.training.initial_weights import initial_weights
from pan_keras.training.network import create_model
from pan_keras.training.optimisation.losses import Loss, balanced_weights, cross_entropy
from pan_keras.training.optimisation.mixup import Mixup
from pan_keras.training.optimisation.optimizers import create_optimizer
from pan_keras.training.optimisation.schedules import length
from pan_keras.training.optimisation.training_step import TrainingStep
from pan_keras.training.optimisation.weight_average import WeightAverage
from pan_keras.training.pictures import Pictures
from pan_keras.training.progress import TrainingProgress
from pan_keras.training.run import Run
from pan_keras.training.stopping import StopRequest
from pan_keras.training.timed_batches import TimedBatches
from pan_keras.training.training_state import State, Sums


class Trainer:
    """Trains the model of a run on its data.

    The whole state is in the checkpoint: weights, moving averages, optimiser, random generators,
    step and the sums of the epoch. Batches are a function of (seed, step), so a resumed run sees
    what an unbroken one would have seen.

    Args:
        run: A run folder with its configuration.
        data: The opened data.

    Example:
        >>> trainer = Trainer(run, open_data("videos"))
        >>> rows = trainer.fit()
        >>> rows[-1]["val_accuracy"]
    """

    def __init__(self, run: Run, data: VideoData):
        config = run.config
        # On a CPU TensorFlow's kernels give the same bits each time without being asked to.
        if tf.config.list_physical_devices("GPU"):
            tf.config.experimental.enable_op_determinism()
        use_fused_normalization()
        keras.utils.set_random_seed(config.training.seed)
        training = config.training
        self.run = run
        self.config = config
        self.classes = data.classes
        self.clips = data.clips("train")
        self.validation = data.clips("val")
        self.skipped = data.skipped
        self.warnings = data.warnings
        self.part = training.batch // training.accumulate
        self.steps = steps_per_epoch(self.clips, training.batch)
        self.length = length(config, len(self.clips))
        self.model = create_model(config, len(data.classes), training.precision)
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
        self.store = FrameStore(
            resize=config.model.resize,
            cache=config.data.cache,
            folder=run.path / "cache" if config.data.cache == "disk" else None,
        )
        self.inference = Inference(self.model)
        self.pictures = Pictures(self.model, data.classes, self.validation, run.shape, self.store)
        self.checkpoints = Checkpoints(run.path / "checkpoints")
        self.writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))

    def fit(self, quiet: bool = False, notes: Sequence[str] = ()) -> list[dict[str, float]]:
        """Trains to the last epoch, from the newest checkpoint if there is one.

        Args:
            quiet: Whether to print warnings alone.
            notes: Sentences to print before the start.

        Returns:
            One row of metrics an epoch.

        Raises:
            UserError: If the disk is full, all checkpoints are damaged, or there are no weights to
                start from.
            Interrupted: After Ctrl-C or SIGTERM; a checkpoint is saved.
        """
        epochs = self.length.epochs
        with (
            TrainingProgress(epochs, self.steps, quiet) as progress,
            StopRequest() as stop,
            reporting(self.store),
        ):
            for skipped in self.skipped:
                progress.message(f"{skipped.path}: left out ({skipped.reason})")
            for warning in self.warnings:
                progress.message(f"warning: {warning}")
            for note in notes:
                progress.note(note)
            state = self._start(progress)
            if self._is_over(state):
                return state.rows
            batches = TimedBatches(iter(self._training_batches(state.step)))
            saved = time.perf_counter()
            while not self._is_over(state):
                if stop.signal:
                    self._save(state)
                    raise self._interrupted(state, stop.signal)
                self._advance(state, batches)
                progress.step(state.step, state.sums.figures())
                if state.step % self.steps == 0:
                    progress.epoch(self._end_epoch(state))
                    saved = time.perf_counter()
                elif time.perf_counter() - saved >= self.config.training.checkpoint_seconds:
                    self._save(state)
                    saved = time.perf_counter()
            if state.step < epochs * self.steps:
                progress.note(f"stopped: {state.stale} epochs without a better validation result")
            for path, reason in self.store.broken.items():
                progress.message(f"{path}: left out from here on ({reason})")
        return state.rows

    def _start(self, progress: TrainingProgress) -> State:
        saved = self.checkpoints.restore(self._variables(), warn=progress.message)
        if saved is not None:
            state = State(**{**saved, "sums": Sums(**saved["sums"])})
            progress.note(f"resumed at step {state.step} of {self.steps * self.length.epochs}")
            return state
        source = self.config.model.weights
        if source:
            taken = initial_weights(self.model, source, self.classes)
            self.run.write("initial_weights.json", {"taken": [part.to_json() for part in taken]})
            for part in taken:
                progress.note(part.to_text())
            if self.average is not None:
                self.average.restart()
        return State()

    def _is_over(self, state: State) -> bool:
        patience = self.config.training.patience
        # An epoch in which training stopped is finished: the next one has not begun.
        stopped = patience and state.stale >= patience
        return bool(stopped) or state.step >= self.steps * self.length.epochs

    def _interrupted(self, state: State, signal: int) -> Interrupted:
        steps = self.steps * self.length.epochs
        command = f"pan-keras train --resume --run {shlex.quote(str(self.run.path))}"
        return Interrupted(
            f"stopped at step {state.step} of {steps}; go on with: {command}", signal
        )

    def _save(self, state: State, best: bool = False) -> None:
        self.checkpoints.save(state.step, self._variables(), asdict(state), best)

    def _variables(self) -> list[keras.Variable]:
        averages = self.average.variables if self.average else []
        return [*self.model.variables, *self.optimizer.variables, *averages]

    def _advance(self, state: State, batches: TimedBatches) -> None:
        start, waited = time.perf_counter(), batches.waited
        loss, correct, clips = self.train_step(batches)
        state.step += 1
        if not np.isfinite(loss):
            raise UserError(
                f"{self.run.path}: the loss is not a number at step {state.step}; "
                "start a new run with a lower training.learning_rate"
            )
        state.sums.loss += loss * clips
        state.sums.correct += correct
        state.sums.clips += clips
        state.sums.waited += batches.waited - waited
        state.sums.seconds += time.perf_counter() - start

    def _end_epoch(self, state: State) -> dict[str, float]:
        row = {"epoch": state.step // self.steps, "step": state.step, **state.sums.figures()}
        with self.average.in_place() if self.average else nullcontext():
            row |= self._validate(state.step)
            # Equal accuracies are common where validation clips are few: the lower loss decides.
            # Without validation clips the newest model is the one to keep.
            score = (
                [row["val_accuracy"], -row["val_loss"]] if self.validation else [float(state.step)]
            )
            best = score > state.best
            if best:
                self._save_model()
        row["learning_rate"] = float(self.optimizer.learning_rate)
        state.best = score if best else state.best
        state.stale = 0 if best else state.stale + 1
        state.rows.append(row)
        state.sums = Sums()
        self.run.write_metrics(state.rows)
        with self.writer.as_default(step=state.step):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self.writer.flush()
        self._save(state, best)
        return row

    def _save_model(self) -> None:
        model = self.model
        if self.config.training.precision != "float32":
            # What is used and exported later computes in full precision.
            model = create_model(self.config, len(self.classes))
            model.set_weights(self.model.get_weights())
        with replacing(self.run.path / "model.keras") as temporary:
            model.save(temporary)

    def _validate(self, step: int) -> dict[str, float]:
        if not self.validation:
            return {}
        dataset = evaluation_dataset(
            self.validation,
            self.run.shape,
            batch=self.part,
            store=self.store,
            workers=self.config.data.workers,
        )
        logits, index = self.inference(dataset, self.part)
        labels = np.array([self.validation[row].label for row in index])
        scores = np.asarray(tf.nn.log_softmax(logits.astype("float64")))
        with self.writer.as_default(step=step):
            self.pictures.write(labels, scores.argmax(-1))
        return {
            "val_loss": float(-scores[np.arange(len(labels)), labels].mean()),
            "val_accuracy": float((scores.argmax(-1) == labels).mean()),
        }

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
            self.run.shape,
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
        )
