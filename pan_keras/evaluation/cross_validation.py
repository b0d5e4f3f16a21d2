"""Cross-validation: each fold is tested by a model trained on the other folds."""

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import keras

from pan_keras.config.config import Config
from pan_keras.config.loading import read_config
from pan_keras.data.roots import data_root
from pan_keras.errors import UserError
from pan_keras.evaluation.fold_record import FOLDS, FoldRecord
from pan_keras.evaluation.results import Evaluation
from pan_keras.evaluation.run_series import RunSeries, Tell, free_folder, mean_log_loss
from pan_keras.lock import locked
from pan_keras.metrics import Interval, mean_interval
from pan_keras.metrics.intervals import wilson
from pan_keras.runs.new_run import LOCK, refuse_taken
from pan_keras.runs.run_folder import RunFolder
from pan_keras.training.arguments import TrainingArguments
from pan_keras.training.preparing import Prepared, prepare

SETTINGS = "settings.toml"
ALL_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Fold:
    """The result of a fold.

    Args:
        name: The group that was left out, or the number of the fold.
        clips: Clips tested.
        correct: Clips classified correctly.
        log_loss: Mean cross-entropy of the tested clips.
        run: The run folder.

    Example:
        >>> Fold("P1", clips=10, correct=9, log_loss=0.3, run="runs/folds/fold-1").top1
        0.9
    """

    name: str
    clips: int
    correct: int
    log_loss: float
    run: str

    @property
    def top1(self) -> float:
        """Accuracy on the clips of the fold."""
        return self.correct / self.clips


@dataclass(frozen=True)
class CrossValidation:
    """A finished cross-validation.

    Attributes:
        data: Source of the clips.
        groups: The column that clips were grouped by, or None.
        folds: The results of the folds.

    Example:
        >>> folds = (Fold("P1", 10, 9, 0.3, "fold-1"), Fold("P2", 10, 7, 0.8, "fold-2"))
        >>> result = CrossValidation("clips.csv", "person", folds)
        >>> result.mean, result.clips
        (0.8, 20)
        >>> print(result.to_markdown().splitlines()[0])
        | person left out | Clips | Top-1 |
        >>> len(result.to_csv().splitlines()), result.to_json()["groups"]
        (3, 'person')
    """

    data: str
    groups: str | None
    folds: tuple[Fold, ...]

    @property
    def mean(self) -> float:
        """Mean accuracy of the folds."""
        return statistics.fmean(fold.top1 for fold in self.folds)

    @property
    def interval(self) -> Interval:
        """95 % interval of the mean over folds, by Student's t."""
        return mean_interval([fold.top1 for fold in self.folds])

    @property
    def clips(self) -> int:
        """Number of clips, each tested once."""
        return sum(fold.clips for fold in self.folds)

    @property
    def top1(self) -> float:
        """Accuracy over all clips."""
        return sum(fold.correct for fold in self.folds) / self.clips

    @property
    def log_loss(self) -> float:
        """Mean cross-entropy of all clips."""
        return sum(fold.log_loss * fold.clips for fold in self.folds) / self.clips

    def to_json(self) -> dict[str, Any]:
        """Returns the result as a JSON object.

        Returns:
            Mean and interval over folds, accuracy over all clips with its interval, and every fold.
        """
        correct = sum(fold.correct for fold in self.folds)
        return {
            "data": self.data,
            "groups": self.groups,
            "mean": self.mean,
            "interval": list(self.interval),
            "clips": self.clips,
            "top1": self.top1,
            "top1_interval": list(wilson(correct, self.clips)),
            "log_loss": self.log_loss,
            "folds": [
                {
                    "fold": fold.name,
                    "clips": fold.clips,
                    "correct": fold.correct,
                    "top1": fold.top1,
                    "log_loss": fold.log_loss,
                    "run": fold.run,
                }
                for fold in self.folds
            ],
        }

    def to_csv(self) -> str:
        """Returns the folds as CSV.

        Returns:
            CSV, one row per fold.
        """
        file = io.StringIO()
        rows = self.to_json()["folds"]
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()

    def to_markdown(self) -> str:
        """Returns the result as Markdown.

        Returns:
            A table and two sentences.
        """
        head = f"{self.groups} left out" if self.groups else "Fold"
        lines = [f"| {head} | Clips | Top-1 |", "|---|---:|---:|"]
        lines += [f"| {fold.name} | {fold.clips} | {fold.top1:.3f} |" for fold in self.folds]
        low, high = self.interval
        correct = sum(fold.correct for fold in self.folds)
        lines += [
            "",
            f"Mean of {len(self.folds)} folds: {self.mean:.3f} (95 % interval {low:.3f} to "
            f"{high:.3f}, by Student's t).",
            f"All clips: {correct} of {self.clips} right, {self.top1:.3f}.",
        ]
        return "\n".join(lines) + "\n"


def cross_validate(
    source: str | Path | None = None,
    *,
    folds: int | None = None,
    groups: str | None = None,
    preset: str | None = None,
    splits: Sequence[str] = ALL_SPLITS,
    run: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    tell: Tell | None = None,
    **arguments: Unpack[TrainingArguments],
) -> CrossValidation:
    """Trains once per fold, and tests each run on the clips of its fold.

    All folds have the same settings. As in any training, 15 % of the training clips of a fold are
    drawn for validation. The fold of each clip is written to `folds.csv` at the start and does not
    change.

    Args:
        source: As for `train`.
        folds: Number of folds; None, or the number of groups or more, for one fold per group.
        groups: Column of the CSV file with values, such as persons, that are never split.
        preset: As for `train`.
        splits: Splits whose clips are used; all by default.
        run: Folder to create, with a run per fold; by default the next free `runs/SOURCE-folds-N`.
        callbacks: Keras callbacks of each training.
        quiet: Whether to print only warnings.
        tell: Called with a line after each fold.
        arguments: `root`, `model`, `config`, `overrides` and `sections`, as for `train`.

    Returns:
        Accuracy of each fold, their mean and its interval.

    Raises:
        UserError: If the clips cannot be divided in this way, or settings or data are unusable.

    Example:
        >>> small = {"model": {"segments": 2, "size": 32}, "training": {"epochs": 1}}
        >>> cross_validate("videos", folds=2, sections=small, run="runs/folds").clips
        48
    """
    folder = free_folder(source, "folds") if run is None else Path(run)
    refuse_taken(folder)
    prepared = prepare(source, preset=preset, quiet=quiet, **arguments)
    begin(folder, prepared, folds, groups, splits)
    if not quiet and tell is not None:
        for line in prepared.to_lines():
            tell(line)
    return resume_folds(folder, callbacks=callbacks, quiet=quiet, tell=tell)


def begin(
    folder: Path,
    prepared: Prepared,
    folds: int | None,
    groups: str | None,
    splits: Sequence[str] = ALL_SPLITS,
) -> None:
    """Writes the settings and the folds of a cross-validation, for `resume_folds` to run.

    Args:
        folder: The folder.
        prepared: Configuration and data.
        folds: As for `cross_validate`.
        groups: As for `cross_validate`.
        splits: As for `cross_validate`.

    Raises:
        UserError: If the clips cannot be divided in this way; nothing is written.
    """
    config, data = prepared.config, prepared.data
    where = data_root(config.data.source, config.data.root).resolve()
    record = FoldRecord.draw(
        data, folds, groups, root=where, splits=splits, seed=config.data.split_seed
    )
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK, str(folder)):
        files = RunFolder(folder)
        files.write("choices.json", prepared.to_json())
        files.write(SETTINGS, config.to_toml())
        record.write(folder)


def resume_folds(
    run: str | Path,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    tell: Tell | None = None,
) -> CrossValidation:
    """Continues a cross-validation: finished folds are read, an unfinished one is resumed.

    Args:
        run: Folder of the cross-validation.
        callbacks: As for `cross_validate`.
        quiet: As for `cross_validate`.
        tell: As for `cross_validate`.

    Returns:
        The result, which is also written to `results.json`, `results.csv` and `results.md`.

    Raises:
        UserError: If the folder is not that of a cross-validation, its clips changed, or another
            process writes there.

    Example:
        >>> resume_folds("runs/folds").clips
        48
    """
    folder = Path(run)
    if not is_cross_validation(folder):
        raise UserError(f"{folder}: no cross-validation (no {FOLDS}); start one with --folds")
    record, config = FoldRecord.read(folder), read_config(folder / SETTINGS)
    record.check_clips()
    series = RunSeries(folder, callbacks, quiet, tell)
    results = []
    with locked(folder / LOCK, str(folder)):
        for number, name in record.names.items():
            result = _fold(series, number, record, config)
            fold = Fold(
                name=name,
                clips=result.clips,
                correct=round(result.top1 * result.clips),
                log_loss=mean_log_loss(result),
                run=str(folder / f"fold-{number}"),
            )
            results.append(fold)
            series.report(f"fold {name}: {fold.correct} of {fold.clips} right ({fold.top1:.3f})")
        finished = CrossValidation(config.data.source, record.groups, tuple(results))
        series.write(finished)
    return finished


def is_cross_validation(folder: Path | str) -> bool:
    """Tells whether a folder is that of a cross-validation, finished or not."""
    return (Path(folder) / FOLDS).is_file() and (Path(folder) / SETTINGS).is_file()


def _fold(series: RunSeries, number: int, record: FoldRecord, config: Config) -> Evaluation:
    run, table = series.folder / f"fold-{number}", series.folder / f"fold-{number}.csv"
    if not table.is_file():
        RunFolder(series.folder).write(table.name, record.table(number))
    data = replace(config.data, source=str(table.resolve()), root=str(record.root), fold=None)
    return series.measure(run, replace(config, data=data), split="test")
