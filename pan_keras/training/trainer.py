"""The training loop with bit-exact resume."""

import shlex
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pan_keras.config.config import FRESH, Config
from pan_keras.data import VideoData
from pan_keras.errors import Interrupted, UserError
from pan_keras.inference.keras_classifier import KerasClassifier
from pan_keras.input import LeftOut, clip_store, reporting, steps_per_epoch
from pan_keras.input.left_out import left_out_file, merge_left_out
from pan_keras.runs.model_input import clip_shape, cue_folder
from pan_keras.runs.run import Run
from pan_keras.runs.training_record import kept_doubt
from pan_keras.runs.versions import environment, environment_changes
from pan_keras.stopping import StopRequest
from pan_keras.training.batches import TimedBatches, training_batches
from pan_keras.training.callbacks import CallbackList
from pan_keras.training.checkpoints import Checkpoints, State, Sums
from pan_keras.training.epoch_end import EpochEnd
from pan_keras.training.initial_weights import initial_weights
from pan_keras.training.keeping import Keeping, ModelFiles
from pan_keras.training.learner import Learner
from pan_keras.training.optimisation.schedules import length
from pan_keras.training.overfitting import overfitting
from pan_keras.training.progress import ConsoleProgress
from pan_keras.training.replicas import ALONE, Replicas, check_workers, world_text
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
        replicas: The workers that train together, started before anything else; one by default.
            Processes other than the first validate nothing and write `left_out-RANK.json` alone.
        other_workers: Whether a run of other numbers of workers may be resumed.

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
        *,
        replicas: Replicas | None = None,
        other_workers: bool = False,
    ):
        self.replicas = replicas or Replicas()
        self.other_workers = other_workers
        check_workers(config, self.replicas)
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
        self.part = training.batch // (training.accumulate * self.replicas.count)
        self.steps = steps_per_epoch(self.clips, training.batch)
        self.length = length(config, len(self.clips))
        self.learner = Learner(config, self.clips, len(self.classes), self.steps, self.replicas)
        # Callbacks use these.
        self.model, self.optimizer = self.learner.model, self.learner.optimizer
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
        self.left_out = LeftOut(left_out_file(run.path, self.replicas.rank))
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
        if self.replicas.is_chief:
            self.epoch_end = EpochEnd(run, config, self.learner, self.validation, self.files)

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
            if self.replicas.is_chief:
                for skipped in self.skipped:
                    progress.message(f"{skipped.path}: left out ({skipped.reason})")
                for warning in self.warnings:
                    progress.message(f"warning: {warning}")
            for note in (*notes, *self.learner.fine_tuning):
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
        dataset = training_batches(
            self.config,
            self.clips,
            self.shape,
            store=self.store,
            left_out=self.left_out,
            replicas=self.replicas,
            start_step=state.step,
        )
        batches = TimedBatches(iter(dataset))
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
            self._agree(state)
            self._report_left_out(progress)
        self._hooks.call("on_train_end")
        steps = self.steps * self.length.epochs
        if self._is_over(state) and state.step < steps:
            progress.note(f"stopped: {state.stale} epochs without a better validation result")
        elif state.step < steps:
            progress.note(f"stopped by a callback at step {state.step} of {steps}")
        if state.rows and self.replicas.is_chief:
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
        while state.step < end:
            stopped = bool(self.model.stop_training)
            signalled, self.model.stop_training = self.replicas.any(bool(stop.signal), stopped)
            if self.model.stop_training:
                break
            if signalled:
                self._save(state)
                self._hooks.call("on_train_end")
                self.replicas.meet()
                raise self._interrupted(state, stop.signal or signal.SIGTERM)
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
        if not self.replicas.is_chief:
            return self._follow()
        saved = self.checkpoints.restore(self.learner.variables, warn=progress.message)
        state = State() if saved is None else State.of_json(saved)
        if saved is not None:
            self._check_world(state, progress)
        state.world = self.replicas.world
        self._note_environment(state, progress)
        if saved is not None:
            progress.note(f"resumed at step {state.step} of {self.steps * self.length.epochs}")
        else:
            self._initialise(progress)
            if self.replicas.processes > 1:
                # The others take the initial weights from here.
                self._save(state)
        self.replicas.share({"step": state.step})
        return state

    def _follow(self) -> State:
        """The state and the weights of the chief, from its checkpoint."""
        step = self.replicas.share()["step"]
        saved = self.checkpoints.restore(self.learner.variables, warn=lambda _: None)
        found = None if saved is None else saved["step"]
        if saved is None or found != step:
            raise UserError(
                f"{self.run.path}: {self.replicas.name} finds "
                f"{'no checkpoint' if found is None else f'a checkpoint of step {found}'}, where "
                f"the first worker has one of step {step}; keep the run on storage that all share"
            )
        state = State.of_json(saved)
        if state.world != self.replicas.world:
            merge_left_out(self.run.path, self.left_out)
        return state

    def _check_world(self, state: State, progress: ConsoleProgress) -> None:
        """Refuses, or announces, that the run continues with other workers."""
        before, now = world_text(state.world), world_text(self.replicas.world)
        if before == now:
            return
        if not self.other_workers:
            raise UserError(
                f"{self.run.path}: was trained by {before}, and would be continued by {now}, which "
                "gives other results; give as many as before, or allow it with --other-workers"
            )
        progress.message(
            f"warning: from step {state.step} on trained by {now} (before: {before}); results "
            "differ from those of an uninterrupted run"
        )
        merge_left_out(self.run.path, self.left_out)

    def _initialise(self, progress: ConsoleProgress) -> None:
        source = self.config.model.weights
        if source == FRESH:
            return
        taken = initial_weights(self.model, source, self.classes)
        self.run.write("initial_weights.json", {"taken": [part.to_json() for part in taken]})
        for part in taken:
            progress.note(part.to_text())
        if self.learner.average is not None:
            self.learner.average.restart()

    def _note_environment(self, state: State, progress: ConsoleProgress) -> None:
        now = environment() | {"workers": world_text(state.world)}
        if state.step and not state.versions:
            # Runs of earlier releases have no versions in their checkpoints.
            state.versions.append({"step": 0, **self.run.versions})
        changed = environment_changes(state.versions, now)
        if changed:
            progress.message(
                f"warning: another environment than up to step {state.step}: {', '.join(changed)}; "
                "results may differ in the last bits from those of an uninterrupted run"
            )
        known = state.versions[-1].get("workers", world_text(ALONE)) if state.versions else None
        if changed or known != now["workers"]:
            state.versions.append({"step": state.step, **now})
        self.run.write("versions_by_step.json", {"versions": state.versions})

    def _is_over(self, state: State) -> bool:
        patience = self.config.training.patience
        stopped = patience and state.stale >= patience
        return bool(stopped) or len(state.rows) >= self.length.epochs

    def _interrupted(self, state: State, number: int) -> Interrupted:
        steps = self.steps * self.length.epochs
        return Interrupted(
            f"stopped at step {state.step} of {steps}; resume with: {self._command}", number
        )

    @property
    def _command(self) -> str:
        """The command that resumes the run."""
        return f"pan-keras train --resume --run {shlex.quote(str(self.run.path))}"

    def _save(self, state: State) -> None:
        self._fetch(state)
        if self.replicas.is_chief:
            self.checkpoints.save(state.step, self.learner.variables, asdict(state))

    def _advance(self, state: State, batches: TimedBatches) -> None:
        start, waited = time.perf_counter(), batches.waited
        loss, correct, clips = self.learner.step.launch(batches)
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
            # All have the same loss; the chief's error ends the others.
            if self.replicas.is_chief and not np.isfinite(loss):
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
        epoch = state.step // self.steps
        if not self.replicas.is_chief:
            # The chief's metrics come with its decisions.
            return {"epoch": epoch, "step": state.step}
        row = self.epoch_end(state, epoch, self._hooks)
        self._save(state)
        return row

    def _agree(self, state: State) -> None:
        """Takes over the chief's metrics of an epoch, and whether it goes on."""
        if self.replicas.processes == 1:
            return
        chief = self.replicas.share(
            {
                "rows": state.rows,
                "best": state.best,
                "stale": state.stale,
                "stop": bool(self.model.stop_training),
            }
        )
        state.rows, state.best, state.stale = chief["rows"], chief["best"], chief["stale"]
        self.model.stop_training = chief["stop"]
        state.sums = Sums()
