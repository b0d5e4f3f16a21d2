"""A seeded random search over settings, ranked by validation or cross-validation."""

import csv
import io
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import keras

from pan_keras.config.config import Config
from pan_keras.config.loading import read_config
from pan_keras.config.tables import assemble, override
from pan_keras.errors import UserError
from pan_keras.evaluation.cross_validation import (
    CrossValidation,
    begin,
    is_cross_validation,
    resume_folds,
)
from pan_keras.evaluation.evaluating import evaluate
from pan_keras.evaluation.results import Evaluation, stored_evaluation
from pan_keras.evaluation.search_space import described, draw_trials, search_space
from pan_keras.lock import locked
from pan_keras.metrics import Interval
from pan_keras.runs.new_run import LOCK, refuse_taken
from pan_keras.runs.run import open_run
from pan_keras.runs.run_folder import RunFolder
from pan_keras.training import resume, train
from pan_keras.training.configuring import given_settings
from pan_keras.training.preparing import Prepared, prepare

PLAN, SETTINGS, BEST = "tuning.json", "settings.toml", "best.toml"
# The search does not use test clips.
SEEN = ("train", "val")
Tell = Callable[[str], None]


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
    root: str | Path | None = None,
    model: str | None = None,
    config: Config | str | Path | None = None,
    preset: str | None = None,
    overrides: Iterable[str] = (),
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    run: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    quiet: bool = False,
    tell: Tell | None = None,
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
        root: As for `train`.
        model: As for `train`.
        config: As for `train`.
        preset: As for `train`.
        overrides: As for `train`.
        sections: As for `train`.
        run: Folder to create; by default the next free `runs/SOURCE-tuning-N`.
        callbacks: Keras callbacks of each training.
        quiet: Whether to print only warnings.
        tell: Called with a line after each trial.

    Returns:
        The trials, best first. `best.toml` in the folder is the configuration of the best.

    Raises:
        UserError: If there are no clips to rank by, or settings or data are unusable.

    Example:
        >>> small = {"model": {"segments": 2, "size": 32}, "training": {"epochs": 1}}
        >>> tune("videos", trials=1, sections=small, run="runs/search").trials[0].number
        1
    """
    folder = _free_folder(source) if run is None else Path(run)
    refuse_taken(folder)
    overrides = list(overrides)
    given = given_settings(model, config, overrides, sections)
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
    crossed = folds is not None or groups is not None
    if not crossed and not prepared.data.clips("val"):
        raise UserError(
            f"{prepared.config.data.source}: no validation clips to rank trials by; add --folds 5"
        )
    points = draw_trials(search_space(prepared.config, given), trials, seed)
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
    found = []
    measured = ""
    with locked(folder / LOCK, str(folder)):
        for number, point in enumerate(points, start=1):
            own, place = _config_of(config, point), folder / f"trial-{number}"
            measure = _by_folds if crossed else _by_validation
            trial, measured = measure(
                place,
                own,
                plan,
                Trial(number, tuple(point), 0, Interval(0, 1), 0, str(place)),
                callbacks,
                quiet,
            )
            found.append(trial)
            if tell is not None:
                tell(f"trial {number} of {len(points)}: {trial.top1:.3f} ({described(point)})")
        ranked = sorted(found, key=lambda trial: (-trial.top1, trial.log_loss, trial.number))
        finished = Tuning(config.data.source, measured, tuple(ranked))
        files.write("results.json", finished.to_json())
        files.write("results.csv", finished.to_csv())
        files.write("results.md", finished.to_markdown())
        files.write(BEST, _config_of(config, list(ranked[0].settings)).to_toml())
    return finished


def is_tuning(folder: Path | str) -> bool:
    """Tells whether a folder is that of a search, finished or not."""
    return (Path(folder) / PLAN).is_file()


def _config_of(config: Config, settings: Sequence[str]) -> Config:
    layers = [("the configuration", config.to_tables())]
    return assemble(Config, [*layers, *((f"--set {item}", override(item)) for item in settings)])


def _by_validation(
    run: Path,
    config: Config,
    plan: Mapping[str, Any],  # noqa: ARG001 (for all ways of measuring)
    trial: Trial,
    callbacks: Sequence[keras.callbacks.Callback],
    quiet: bool,
) -> tuple[Trial, str]:
    result = _evaluated(run, config, callbacks, quiet)
    losses = [-math.log(max(clip.truth_probability, 1e-12)) for clip in result.results]
    interval = Interval(*result.intervals["top1"])
    measured = replace(
        trial, top1=result.top1, interval=interval, log_loss=statistics.fmean(losses)
    )
    return measured, f"{result.clips} validation clips"


def _evaluated(
    run: Path, config: Config, callbacks: Sequence[keras.callbacks.Callback], quiet: bool
) -> Evaluation:
    if (run / "config.toml").is_file():
        found = stored_evaluation(open_run(run), "val")
        if found is not None:
            return found
        resume(run, callbacks=callbacks, quiet=quiet)
    else:
        train(config=config, run=run, callbacks=callbacks, quiet=quiet)
    return evaluate(run, split="val", progress=not quiet)


def _by_folds(
    folder: Path,
    config: Config,
    plan: Mapping[str, Any],
    trial: Trial,
    callbacks: Sequence[keras.callbacks.Callback],
    quiet: bool,
) -> tuple[Trial, str]:
    if not is_cross_validation(folder):
        data = prepare(config=config, quiet=quiet).data
        begin(folder, Prepared(config, data), plan["folds"], plan["groups"], SEEN)
    result: CrossValidation = resume_folds(folder, callbacks=callbacks, quiet=quiet)
    measured = replace(trial, top1=result.mean, interval=result.interval, log_loss=result.log_loss)
    return measured, f"{len(result.folds)} folds of {result.clips} training and validation clips"


def _free_folder(source: str | Path | None) -> Path:
    stem = Path(source or "motions").stem
    folders = (Path("runs") / f"{stem}-tuning-{number}" for number in count(1))
    return next(folder for folder in folders if not folder.exists())
