"""Trains and evaluates the runs of a cross-validation or search one after another."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import keras

from pan_keras.config.config import Config
from pan_keras.evaluation.evaluating import evaluate
from pan_keras.evaluation.results import Evaluation, stored_evaluation
from pan_keras.runs.run import open_run
from pan_keras.runs.run_folder import RunFolder
from pan_keras.training import refuse_cluster, resume, train

Tell = Callable[[str], None]


class SeriesResult(Protocol):
    """The result of a series, in three formats."""

    def to_json(self) -> dict[str, Any]: ...  # noqa: D102
    def to_csv(self) -> str: ...  # noqa: D102
    def to_markdown(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class RunSeries:
    """Runs in the folder of a cross-validation or search.

    Args:
        folder: The folder, with a subfolder per run.
        callbacks: Keras callbacks of each training.
        quiet: Whether to print only warnings.
        tell: Called with a line of progress.

    Example:
        >>> series = RunSeries(Path("runs/search"), quiet=True)
        >>> series.measure(Path("runs/search/trial-1"), config, split="val").top1
        0.96
    """

    folder: Path
    callbacks: Sequence[keras.callbacks.Callback] = ()
    quiet: bool = False
    tell: Tell | None = None

    def measure(self, run: Path, config: Config, split: str) -> Evaluation:
        """Evaluates a run, which is trained or resumed first if it is not finished.

        Args:
            run: The run folder; it need not exist.
            config: Configuration of a new run.
            split: The clips to evaluate on.

        Returns:
            The evaluation; the stored one if it is current.
        """
        refuse_cluster("a series of runs")
        if (run / "config.toml").is_file():
            found = stored_evaluation(open_run(run), split)
            if found is not None:
                return found
            resume(run, callbacks=self.callbacks, quiet=self.quiet)
        else:
            train(config=config, run=run, callbacks=self.callbacks, quiet=self.quiet)
        return evaluate(run, split=split, progress=not self.quiet)

    def report(self, *lines: str) -> None:
        """Passes lines on to `tell`, if there is one."""
        if self.tell is not None:
            for line in lines:
                self.tell(line)

    def write(self, result: SeriesResult) -> None:
        """Writes `results.json`, `results.csv` and `results.md`.

        Args:
            result: The result of the finished series.
        """
        files = RunFolder(self.folder)
        files.write("results.json", result.to_json())
        files.write("results.csv", result.to_csv())
        files.write("results.md", result.to_markdown())


def free_folder(source: str | Path | None, kind: str) -> Path:
    """Returns the first of `runs/SOURCE-KIND-1`, `-2` and so on that does not exist.

    Args:
        source: Source of the clips; None for the embedded data set.
        kind: `"folds"` or `"tuning"`.
    """
    stem = Path(source or "motions").stem
    folders = (Path("runs") / f"{stem}-{kind}-{number}" for number in count(1))
    return next(folder for folder in folders if not folder.exists())


def mean_log_loss(evaluation: Evaluation) -> float:
    """Returns the mean cross-entropy of the evaluated clips."""
    return statistics.fmean(
        -math.log(max(clip.truth_probability, 1e-12)) for clip in evaluation.results
    )
