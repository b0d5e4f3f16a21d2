"""Trains a model into a run folder, and resumes training."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from pan_keras.config.config import Config
from pan_keras.data import VideoData, card_text
from pan_keras.data.roots import data_root
from pan_keras.errors import UserError
from pan_keras.inference.calibrating import calibrate, too_few
from pan_keras.input import LeftOut
from pan_keras.input.left_out import merge_left_out
from pan_keras.lock import locked
from pan_keras.metrics.calibration import FEWEST
from pan_keras.printable import printable_message
from pan_keras.runs.combining import RECORD
from pan_keras.runs.data_identity import identity_of
from pan_keras.runs.model_input import preprocessing
from pan_keras.runs.network import describe_network, with_network
from pan_keras.runs.new_run import LOCK, new_run, refuse_taken
from pan_keras.runs.run import CARD, Run, latest_run, open_run
from pan_keras.runs.run_data import open_run_data
from pan_keras.runs.versions import versions
from pan_keras.training.batches import check_blur
from pan_keras.training.callbacks import check_callbacks
from pan_keras.training.optimisation.schedules import describe, with_length
from pan_keras.training.preparing import Prepared, other_start, prepare
from pan_keras.training.replicas import (
    POLL,
    SILENT,
    WAIT,
    Replicas,
    check_workers,
    start_replicas,
    world_text,
)
from pan_keras.training.trainer import Trainer


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training.

    Attributes:
        run: The run folder.
        rows: One row of metrics per epoch; none if a callback stopped training in the first epoch.
        seconds: Duration of this call.

    Example:
        >>> result = resume("runs/demo")
        >>> result.to_json()["epochs"]
        3
    """

    run: Run
    rows: list[dict[str, float]]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The result as JSON.

        Returns:
            Run, epochs, steps, accuracies, calibration and speed.
        """
        last = self.rows[-1] if self.rows else {"epoch": 0, "step": 0}
        accuracies = [row["val_accuracy"] for row in self.rows if "val_accuracy" in row]
        return {
            "run": str(self.run.path),
            "epochs": int(last["epoch"]),
            "steps": int(last["step"]),
            "best_val_accuracy": max(accuracies, default=None),
            "kept": self.run.kept,
            "temperature": self.run.confidence.temperature,
            "threshold": self.run.confidence.threshold,
            "input_wait": last.get("input_wait"),
            "clips_per_second": last.get("clips_per_second"),
            "seconds": round(self.seconds, 1),
        }


def train(
    source: str | Path | None = None,
    *,
    root: str | Path | None = None,
    model: str | None = None,
    config: Config | str | Path | None = None,
    preset: str | None = None,
    overrides: Iterable[str] = (),
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    run: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    workers: int | None = None,
    wait: float = WAIT,
) -> TrainingResult:
    """Trains a model on labelled videos.

    Settings that neither a recipe nor the data set's card has are chosen from the data, as
    `choose_settings` says; they are printed, and written to `choices.json` of the run. Afterwards
    the model is calibrated on the validation clips as by `pan_keras.inference.calibrate`, if there
    are enough of them.

    Args:
        source: A folder of class folders, a CSV, or the name of a data set card; by default the
            generated data set `motions`, which is made if absent.
        root: Folder of the videos of a card.
        model: A name that `pan_keras.models.names()` lists.
        config: A `Config`, a TOML file, or the name of a shipped recipe.
        preset: `"fast"`, `"balanced"` or `"accurate"`: how much time the choices may take. Unless
            given `"balanced"`, where there is no card with settings.
        overrides: `section.key=value` strings, as on the command line.
        sections: Values by section and key, which override everything else.
        run: Folder to create; by default the next free `runs/SOURCE-MODEL-NUMBER`.
        callbacks: Keras callbacks or `TrainingCallback`s; docs/training.md lists when each hook is
            called.
        quiet: Whether to print warnings only.
        workers: Number of workers that train together, as `start_replicas` says: devices of this
            machine, or the processes of `TF_CONFIG`, each of which makes this call. TensorFlow must
            not be in use before.
        wait: Longest time in seconds that a process waits for another one.

    Returns:
        The run, with its metrics.

    Raises:
        UserError: If the configuration, the data or a callback is unusable, or `run` exists.
            No folder is left behind.
        Interrupted: After Ctrl-C or SIGTERM; a checkpoint is saved.

    Example:
        >>> result = train("videos", sections={"training": {"epochs": 2}})
        >>> result.rows[-1]["val_accuracy"]
        0.96
    """
    callbacks = check_callbacks(callbacks)
    start = time.perf_counter()
    replicas = start_replicas(workers, wait)
    with replicas.together():
        if not replicas.is_chief:
            return _follow(replicas, root, start)
        if run is not None:
            run = Path(run)
            refuse_taken(run)
        prepared = prepare(
            source,
            root=root,
            model=model,
            config=config,
            preset=preset,
            overrides=overrides,
            sections=sections,
            quiet=quiet,
        )
        check_workers(prepared.config, replicas)
        check_blur(prepared.config)
        return _train_new(prepared, run, replicas, callbacks, start, quiet)


def _train_new(
    prepared: Prepared,
    run: Path | None,
    replicas: Replicas,
    callbacks: Sequence[keras.callbacks.Callback],
    start: float,
    quiet: bool,
) -> TrainingResult:
    resolved, data = prepared.config, prepared.data
    network = with_network(resolved)
    complete = with_length(network, len(data.clips("train")))
    with new_run(run, resolved) as new:
        new.write_identity(identity_of(data, data_root(resolved.data.source, resolved.data.root)))
        new.write("labels.txt", "\n".join(data.classes) + "\n")
        if data.card is not None:
            # The run keeps its own copy, since the card may change later.
            new.write(CARD, card_text(resolved.data.source))
        new.write("versions.json", versions())
        stored = {} if data.shards is None else {"shards": dict(data.shards)}
        new.write("preprocessing.json", preprocessing(complete) | stored)
        new.write("data_report.json", data.report())
        new.write("config.toml", complete.to_toml())
        if prepared.choices:
            new.write("choices.json", prepared.to_json())
        notes = prepared.to_lines() + describe_network(complete, resolved)
        notes += other_start(resolved, data)
        notes += describe(complete, resolved, len(data.clips("train")))
        replicas.share({"run": str(new.path.resolve()), **_terms(replicas)})
        trainer = Trainer(complete, data, new, callbacks, replicas=replicas)
        return _fit(trainer, notes, start, quiet)


def resume(
    run: str | Path | None = None,
    *,
    root: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    workers: int | None = None,
    other_workers: bool = False,
    wait: float = WAIT,
) -> TrainingResult:
    """Resumes a run from its newest intact checkpoint.

    Args:
        run: The run folder; by default the latest in `runs`.
        root: Folder of its videos, if they were moved.
        callbacks: As for `train`; callbacks of an earlier call are not remembered.
        quiet: Whether to print warnings only.
        workers: As for `train`.
        other_workers: Whether other numbers of workers than before may continue the run.
        wait: As for `train`.

    Returns:
        The result; a finished run is not trained further, but calibrated if it is not yet.

    Raises:
        UserError: If the folder is not a run or is a combination of runs, its data have changed, or
            another process is training it.
        Interrupted: After Ctrl-C or SIGTERM; a checkpoint is saved.

    Example:
        >>> resume("runs/demo").rows[-1]["epoch"]
        3
    """
    start = time.perf_counter()
    callbacks = check_callbacks(callbacks)
    replicas = start_replicas(workers, wait)
    with replicas.together():
        if not replicas.is_chief:
            return _follow(replicas, root, start)
        found = latest_run() if run is None else open_run(run)
        found.writable(LOCK)
        if (found.path / RECORD).is_file():
            raise UserError(
                f"{found.path}: was combined from other runs; train those and combine them again"
            )
        with locked(found.path / LOCK, str(found.path)):
            config, data = found.config, _unchanged_data(found, root)
            check_workers(config, replicas)
            check_blur(config)
            if not (found.path / "data_report.json").is_file():
                found.write("data_report.json", data.report())
            clips = len(data.clips("train"))
            notes = describe(with_length(config, clips), config, clips)
            replicas.share({"run": str(found.path.resolve()), **_terms(replicas)})
            trainer = Trainer(
                config, data, found, callbacks, replicas=replicas, other_workers=other_workers
            )
            return _fit(trainer, notes, start, quiet)


def _follow(replicas: Replicas, root: str | Path | None, start: float) -> TrainingResult:
    """Trains the chief's run with it; the chief alone writes, validates and calibrates."""
    chief, own = replicas.share(), _terms(replicas)
    for name, value in own.items():
        if chief[name] != value:
            raise UserError(
                f"{replicas.name}: has {name} {value}, and the first worker {chief[name]}; give "
                "all of them the same"
            )
    path = Path(chief["run"])
    seen = time.monotonic() + SILENT
    while not (path / "config.toml").is_file() and time.monotonic() < seen:
        time.sleep(POLL)  # network file systems show new files late
    if not (path / "config.toml").is_file():
        raise UserError(
            f"{path}: {replicas.name} does not see the run of the first worker; keep the run on "
            "storage that all workers share, under the same path"
        )
    run = open_run(path)
    rows = Trainer(run.config, _unchanged_data(run, root), run, replicas=replicas).fit(quiet=True)
    replicas.meet()
    return TrainingResult(open_run(path), rows, time.perf_counter() - start)


def _terms(replicas: Replicas) -> dict[str, str]:
    """What must be the same for all workers, by name."""
    terms = {"workers": world_text(replicas.world)}
    return terms | {name: value for name, value in versions().items() if name != "platform"}


def _fit(trainer: Trainer, notes: Sequence[str], start: float, quiet: bool) -> TrainingResult:
    run = trainer.run
    report = run.data_report
    try:
        rows = trainer.fit(quiet, notes)
    finally:
        known = {file["path"] for file in report["skipped"]}
        more = [
            {"path": str(path), "reason": reason}
            for path, reason in _left_out(run).items()
            if str(path) not in known
        ]
        run.write("data_report.json", {**report, "skipped": [*report["skipped"], *more]})
    if rows:
        _calibrate(trainer, quiet)
    trainer.replicas.meet()
    # Opened again, because a run remembers the record that it has read.
    return TrainingResult(open_run(run.path), rows, time.perf_counter() - start)


def _left_out(run: Run) -> dict[Path, str]:
    """What any of the processes left out, with reasons."""
    found = LeftOut()
    merge_left_out(run.path, found)
    return found.reasons


def _calibrate(trainer: Trainer, quiet: bool) -> None:
    """Calibrates the kept model on the validation clips, unless it is calibrated already."""
    run = open_run(trainer.run.path)
    clips, share = trainer.validation.clips, trainer.config.training.false_alarms or None
    if not clips or run.confidence_record is not None:
        return
    if len(clips) < FEWEST and share is None:
        _tell(too_few(len(clips)), quiet)
        return
    try:
        found = calibrate(run, false_alarms=share, clips=clips, batch=trainer.part)
    except UserError as error:
        _tell(f"warning: not calibrated: {error}")
        return
    *lines, unknown = found.to_text().splitlines()
    for line in lines if share is None else (*lines, unknown):
        _tell(line, quiet)


def _tell(line: str, quiet: bool = False) -> None:
    if not quiet:
        print(printable_message(line), file=sys.stderr, flush=True)  # noqa: T201


def _unchanged_data(run: Run, root: str | Path | None) -> VideoData:
    """Opens the data of a run to resume; they must not have changed since it began."""
    data = open_run_data(run, root=root, looked_into=True)
    changed = data.changes.phrases()
    if data.identity is None:
        changed = _changed_counts(run, data.videos)
    if changed:
        raise UserError(
            f"{run.path}: its data changed since it began: {', '.join(changed)}; "
            "restore them, or start a new run"
        )
    if data.identity is None:
        run.write_identity(identity_of(data.videos, data.root))
    return data.videos


def _changed_counts(run: Run, data: VideoData) -> list[str]:
    """Differences from the data report, for a run without a record of its clips."""
    if run.labels != data.classes:
        return ["other classes"]
    if not (run.path / "data_report.json").is_file():
        return []
    before, now = run.data_report, data.report()
    return [
        f"{now[key]} {key} instead of {before[key]}"
        for key in ("clips", "splits", "classes")
        if before[key] != now[key]
    ][:1]
