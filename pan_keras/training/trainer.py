"""The training loop: exact to the bit across a kill and a resume."""

import time
from dataclasses import asdict, dataclass, field

import keras
import numpy as np
import tensorflow as tf

from pan_keras import models
from pan_keras.data import (
    Augmentation,
    FrameStore,
    VideoData,
    evaluation_dataset,
    reporting,
    steps_per_epoch,
    training_dataset,
)
from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.training.checkpoints import Checkpoints
from pan_keras.training.config import Config
from pan_keras.training.fused_normalization import use_fused_normalization
from pan_keras.training.inference import Inference
from pan_keras.training.pictures import Pictures
from pan_keras.training.progress import TrainingProgress
from pan_keras.training.run import Run


@dataclass
class Sums:
    """What has added up since the start of an epoch."""

    loss: float = 0.0
    correct: int = 0
    clips: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    def figures(self) -> dict[str, float]:
        """Means a person reads."""
        return {
            "loss": self.loss / max(1, self.clips),
            "accuracy": self.correct / max(1, self.clips),
            "clips_per_second": self.clips / max(1e-9, self.seconds),
            "input_wait": self.waited / max(1e-9, self.seconds),
        }


@dataclass
class State:
    """Where the loop stands; saved with each checkpoint."""

    step: int = 0
    best: list[float] = field(default_factory=list)
    rows: list[dict[str, float]] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)


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
        self.run = run
        self.config = config
        self.clips = data.clips("train")
        self.validation = data.clips("val")
        self.skipped = data.skipped
        self.steps = steps_per_epoch(self.clips, config.training.batch)
        self.model = create_model(config, len(data.classes))
        self.optimizer = create_optimizer(config, self.steps * config.training.epochs)
        self.optimizer.build(self.model.trainable_variables)
        self.store = FrameStore(
            resize=config.model.resize,
            cache=config.data.cache,
            folder=run.path / "cache" if config.data.cache == "disk" else None,
        )
        self.inference = Inference(self.model)
        self.pictures = Pictures(self.model, data.classes, self.validation, run.shape, self.store)
        self.checkpoints = Checkpoints(run.path / "checkpoints")
        self.writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))
        self._train_step = tf.function(self._one_step)

    def fit(self, quiet: bool = False) -> list[dict[str, float]]:
        """Trains to the last epoch, from the newest checkpoint if there is one.

        Args:
            quiet: Whether to print warnings alone.

        Returns:
            One row of metrics an epoch.

        Raises:
            UserError: If the disk is full, or all checkpoints are damaged.
        """
        epochs = self.config.training.epochs
        with TrainingProgress(epochs, self.steps, quiet) as progress, reporting(self.store):
            for skipped in self.skipped:
                progress.message(f"{skipped.path}: left out ({skipped.reason})")
            state = self._restore(progress)
            if state.step == epochs * self.steps:
                return state.rows
            if state.step and not quiet:
                progress.message(f"resumed at step {state.step} of {epochs * self.steps}")
            batches = iter(self._training_batches(state.step))
            saved = time.perf_counter()
            while state.step < epochs * self.steps:
                self._advance(state, batches)
                progress.step(state.step, state.sums.figures())
                if state.step % self.steps == 0:
                    progress.epoch(self._end_epoch(state))
                    saved = time.perf_counter()
                elif time.perf_counter() - saved >= self.config.training.checkpoint_seconds:
                    self._save(state)
                    saved = time.perf_counter()
            for path, reason in self.store.broken.items():
                progress.message(f"{path}: left out from here on ({reason})")
        return state.rows

    def _restore(self, progress: TrainingProgress) -> State:
        saved = self.checkpoints.restore(self._variables(), warn=progress.message)
        if saved is None:
            return State()
        return State(**{**saved, "sums": Sums(**saved["sums"])})

    def _save(self, state: State, best: bool = False) -> None:
        self.checkpoints.save(state.step, self._variables(), asdict(state), best)

    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.optimizer.variables]

    def _advance(self, state: State, batches) -> None:
        start = time.perf_counter()
        frames, labels = next(batches)
        waited = time.perf_counter() - start
        loss, correct = self._train_step(frames, labels)
        state.step += 1
        if not np.isfinite(loss):
            raise UserError(
                f"{self.run.path}: the loss is not a number at step {state.step}; "
                "start a new run with a lower training.learning_rate"
            )
        state.sums.loss += float(loss) * len(labels)
        state.sums.correct += int(correct)
        state.sums.clips += len(labels)
        state.sums.waited += waited
        state.sums.seconds += time.perf_counter() - start

    def _one_step(self, frames: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        weights = self.model.trainable_variables
        with tf.GradientTape() as tape:
            logits = self.model(frames, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        hits = tf.argmax(logits, axis=-1, output_type=labels.dtype) == labels
        return loss, tf.reduce_sum(tf.cast(hits, tf.int32))

    def _end_epoch(self, state: State) -> dict[str, float]:
        row = {"epoch": state.step // self.steps, "step": state.step, **state.sums.figures()}
        row |= self._validate(state.step)
        row["learning_rate"] = float(self.optimizer.learning_rate)
        state.rows.append(row)
        state.sums = Sums()
        # Equal accuracies are common where validation clips are few: the lower loss decides.
        # Without validation clips the newest model is the one to keep.
        score = [row["val_accuracy"], -row["val_loss"]] if self.validation else [float(state.step)]
        best = score > state.best
        if best:
            state.best = score
            with replacing(self.run.path / "model.keras") as temporary:
                self.model.save(temporary)
        self.run.write_metrics(state.rows)
        with self.writer.as_default(step=state.step):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self.writer.flush()
        self._save(state, best)
        return row

    def _validate(self, step: int) -> dict[str, float]:
        if not self.validation:
            return {}
        batch = self.config.training.batch
        dataset = evaluation_dataset(
            self.validation,
            self.run.shape,
            batch=batch,
            store=self.store,
            workers=self.config.data.workers,
        )
        logits, index = self.inference(dataset, batch)
        labels = np.array([self.validation[row].label for row in index])
        scores = np.asarray(tf.nn.log_softmax(logits.astype("float64")))
        with self.writer.as_default(step=step):
            self.pictures.write(labels, scores.argmax(-1))
        return {
            "val_loss": float(-scores[np.arange(len(labels)), labels].mean()),
            "val_accuracy": float((scores.argmax(-1) == labels).mean()),
        }

    def _training_batches(self, start_step: int) -> tf.data.Dataset:
        config = self.config
        augmentation = config.augmentation
        return training_dataset(
            self.clips,
            self.run.shape,
            Augmentation(
                crop=augmentation.crop,
                flip=augmentation.flip,
                brightness=augmentation.brightness,
                contrast=augmentation.contrast,
                rotation=augmentation.rotation,
                zoom=augmentation.zoom,
            ),
            batch=config.training.batch,
            seed=config.training.seed,
            start_step=start_step,
            store=self.store,
            workers=config.data.workers,
            sampling=augmentation.sampling,
        )


def create_model(config: Config, classes: int) -> keras.Model:
    """The network that a configuration names.

    Raises:
        UserError: If there is no such network, or it cannot be as the configuration says.
    """
    model = config.model
    options = {"shift": model.shift, "aggregation": model.aggregation, "width": model.width}
    try:
        return models.create(
            model.name,
            classes=classes,
            segments=model.segments,
            stack=model.stack,
            size=model.size,
            dropout=model.dropout,
            causal=model.causal,
            seed=config.training.seed,
            **{name: value for name, value in options.items() if value is not None},
        )
    except ValueError as error:
        raise UserError(f"[model] of the configuration: {error}") from error


def create_optimizer(config: Config, steps: int) -> keras.optimizers.Optimizer:
    """AdamW with half a cosine over `steps`; norms and biases do not decay."""
    training = config.training
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(training.learning_rate, steps),
        weight_decay=training.weight_decay,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
