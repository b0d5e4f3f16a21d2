"""A seeded random search over settings, ranked by validation or cross-validation."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import keras

from pan_keras.config.config import Config
from pan_keras.config.loading import read_config
from pan_keras.config.tables import assemble, override
from pan_keras.errors import UserError
from pan_keras.evaluation.cross_validation import begin, is_cross_validation, resume_folds
from pan_keras.evaluation.run_series import RunSeries, Tell, free_folder, mean_log_loss
from pan_keras.evaluation.search_space import described, draw_trials, search_space
from pan_keras.lock import locked
from pan_keras.metrics import Interval
from pan_keras.runs.new_run import LOCK, refuse_taken
from pan_keras.runs.run_folder import RunFolder
from pan_keras.training.arguments import TrainingArguments
from pan_keras.training.preparing import Prepared, prepare

PLAN, SETTINGS, BEST = "tuning.json", "settings.toml", "best.toml"
# The search does not use test clips.
SEEN = ("train", "val")


@dataclass(frozen=True)
class Trial:
    """The result of a trial.

    Args:
        number: Number from 1; the first trial has the unchanged settings.
        settings: Changed settings, as `section.key=value` strings.
        top1: Accuracy on the clips used for ranking.
        interval: 95 % interval of the accuracy.
        log_loss: Mean cross-entropy of these clips, which breaks ties.
        run: The run, or the folder of the cross-validation.

    Example:
        >>> Trial(2, ("training.mixup=0.2",), 0.8, Interval(0.5, 0.9), 0.7, "trial-2").interval.low
        0.5
    """

    number: int
    settings: tuple[str, ...]
    top1: float
    interval: Interval
    log_loss: float
    run: str


@dataclass(frozen=True)
class Tuning:
    """A finished search.

    Attributes:
        data: Source of the clips.
        measured: Description of the clips used for ranking.
        trials: The trials, best first.

    Example:
        >>> trial = Trial(1, (), 0.8, Interval(0.5, 0.9), 0.7, "runs/tuned/trial-1")
        >>> result = Tuning("videos", "12 validation clips", (trial,))
        >>> print(result.to_markdown().splitlines()[2])
        | 1 | 0.800 | 0.500 to 0.900 | 0.700 | as chosen |
        >>> result.to_json()["best"]["trial"], len(result.to_csv().splitlines())
        (1, 2)
    """

    data: str
    measured: str
    trials: tuple[Trial, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the result as a JSON object.

        Returns:
            The best trial and all trials.
        """
        rows = [
            {
                "trial": trial.number,
                "top1": trial.top1,
                "interval": list(trial.interval),
                "log_loss": trial.log_loss,
                "settings": list(trial.settings),
                "run": trial.run,
            }
            for trial in self.trials
        ]
        return {"data": self.data, "measured": self.measured, "best": rows[0], "trials": rows}

    def to_csv(self) -> str:
        """Returns the trials as CSV.

        Returns:
            CSV, one row per trial, best first.
        """
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["trial", "top1", "low", "high", "log_loss", "settings", "run"])
        for trial in self.trials:
            settings = " ".join(trial.settings)
            figures = [trial.top1, *trial.interval, trial.log_loss]
            writer.writerow([trial.number, *figures, settings, trial.run])
        return file.getvalue()

    def to_markdown(self) -> str:
        """Returns the result as Markdown.

        Returns:
            A table, and a note on trials that cannot be distinguished.
        """
        lines = ["| Trial | Top-1 | 95 % interval | Loss | Settings |", "|---:|---:|---|---:|---|"]
        for trial in self.trials:
            low, high = trial.interval
            settings = described(list(trial.settings))
            figures = f"{trial.top1:.3f} | {low:.3f} to {high:.3f} | {trial.log_loss:.3f}"
            lines.append(f"| {trial.number} | {figures} | {settings} |")
        low = self.trials[0].interval.low
        alike = sum(trial.top1 >= low for trial in self.trials)
        lines += ["", f"Measured on {self.measured}."]
        if alike > 1:
            lines.append(
                f"{alike} of {len(self.trials)} trials are within the interval of the best: which "
                "of them is first may be chance."
            )
        return "\n".join(lines) + "\n"


def tune(
    source: str | Path | None = None,
    *,
    trials: int = 8,
    seed: int = 0,
    folds: int | None = None,
    groups: str | None = None,
    preset: str | None = None,
    run: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    tell: Tell | None = None,
    **arguments: Unpack[TrainingArguments],
) -> Tuning:
    """Trains with different settings and ranks them, without using test clips.

    The first trial has the settings that `train` would use; the others differ from them in learning
    rate, mixup, augmentation, dropout, epochs and the like, drawn from a seed. Settings that you
    give are not varied.

    Args:
        source: As for `train`.
        trials: Number of trials.
        seed: Seed of the draw.
        folds: Number of folds to rank by cross-validation over the training and validation clips,
            instead of by the validation clips.
        groups: As for `cross_validate`.
        preset: As for `train`.
        run: Folder to create; by default the next free `runs/SOURCE-tuning-N`.
        callbacks: Keras callbacks of each training.
        quiet: Whether to print only warnings.
        tell: Called with a line after each trial.
        arguments: `root`, `model`, `config`, `overrides` and `sections`, as for `train`.

    Returns:
        The trials, best first. `best.toml` in the folder is the configuration of the best.

    Raises:
        UserError: If there are no clips to rank by, or settings or data are unusable.

    Example:
        >>> small = {"model": {"segments": 2, "size": 32}, "training": {"epochs": 1}}
        >>> tune("videos", trials=1, sections=small, run="runs/search").trials[0].number
        1
    """
    folder = free_folder(source, "tuning") if run is None else Path(run)
    refuse_taken(folder)
    prepared = prepare(source, preset=preset, quiet=quiet, **arguments)
    crossed = folds is not None or groups is not None
    if not crossed and not prepared.data.clips("val"):
        raise UserError(
            f"{prepared.config.data.source}: no validation clips to rank trials by; add --folds 5"
        )
    points = draw_trials(search_space(prepared.config, prepared.given), trials, seed)
    for point in points:
        _config_of(prepared.config, point)
    files = RunFolder(folder)
    if crossed:
        # Fails on impossible folds before anything is written.
        begin(folder / "trial-1", prepared, folds, groups, SEEN)
    folder.mkdir(parents=True, exist_ok=True)
    files.write("choices.json", prepared.to_json())
    files.write(SETTINGS, prepared.config.to_toml())
    files.write(PLAN, {"seed": seed, "folds": folds, "groups": groups, "trials": points})
    if tell is not None:
        for line in prepared.to_lines():
            tell(line)
    return resume_tuning(folder, callbacks=callbacks, quiet=quiet, tell=tell)


def resume_tuning(
    run: str | Path,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    tell: Tell | None = None,
) -> Tuning:
    """Continues a search: finished trials are read, an unfinished one is resumed.

    Args:
        run: Folder of the search.
        callbacks: As for `tune`.
        quiet: As for `tune`.
        tell: As for `tune`.

    Returns:
        The result, which is also written to `results.json`, `results.csv`, `results.md` and
        `best.toml`.

    Raises:
        UserError: If the folder is not that of a search, or another process writes there.

    Example:
        >>> resume_tuning("runs/search").trials[0].number
        1
    """
    folder = Path(run)
    if not is_tuning(folder):
        raise UserError(f"{folder}: no search (no {PLAN}); start one with --tune")
    files, config = RunFolder(folder), read_config(folder / SETTINGS)
    plan = files.read_json(PLAN)
    try:
        points = [list(map(str, point)) for point in plan["trials"]]
        crossed = plan["folds"] is not None or plan["groups"] is not None
    except (KeyError, TypeError) as error:
        raise files.damaged(PLAN, error) from None
    series = RunSeries(folder, callbacks, quiet, tell)
    found = []
    measured = ""
    with locked(folder / LOCK, str(folder)):
        for number, point in enumerate(points, start=1):
            own, run = _config_of(config, point), folder / f"trial-{number}"
            trial = Trial(number, tuple(point), 0, Interval(0, 1), 0, str(run))
            if crossed:
                trial, measured = _by_folds(series, own, plan, trial)
            else:
                trial, measured = _by_validation(series, own, trial)
            found.append(trial)
            series.report(f"trial {number} of {len(points)}: {trial.top1:.3f} ({described(point)})")
        ranked = sorted(found, key=lambda trial: (-trial.top1, trial.log_loss, trial.number))
        finished = Tuning(config.data.source, measured, tuple(ranked))
        series.write(finished)
        files.write(BEST, _config_of(config, list(ranked[0].settings)).to_toml())
    return finished


def is_tuning(folder: Path | str) -> bool:
    """Tells whether a folder is that of a search, finished or not."""
    return (Path(folder) / PLAN).is_file()


def _config_of(config: Config, settings: Sequence[str]) -> Config:
    layers = [("the configuration", config.to_tables())]
    return assemble(Config, [*layers, *((f"--set {item}", override(item)) for item in settings)])


def _by_validation(series: RunSeries, config: Config, trial: Trial) -> tuple[Trial, str]:
    result = series.measure(Path(trial.run), config, split="val")
    interval = Interval(*result.intervals["top1"])
    measured = replace(trial, top1=result.top1, interval=interval, log_loss=mean_log_loss(result))
    return measured, f"{result.clips} validation clips"


def _by_folds(
    series: RunSeries, config: Config, plan: Mapping[str, Any], trial: Trial
) -> tuple[Trial, str]:
    folder = Path(trial.run)
    if not is_cross_validation(folder):
        data = prepare(config=config, quiet=series.quiet).data
        begin(folder, Prepared(config, data), plan["folds"], plan["groups"], SEEN)
    result = resume_folds(folder, callbacks=series.callbacks, quiet=series.quiet)
    measured = replace(trial, top1=result.mean, interval=result.interval, log_loss=result.log_loss)
    return measured, f"{len(result.folds)} folds of {result.clips} training and validation clips"
