"""Chooses the epoch whose weights become `model.keras`."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from pan_keras.config.config import Config
from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.metrics.intervals import Interval, wilson
from pan_keras.runs.network import create_model
from pan_keras.runs.run import CHECKPOINTS, Run

RULES = {
    "auto": "the last epoch, unless its validation accuracy is below the best's 95 % interval",
    "best": "the best validation accuracy, and among equals the lowest validation loss",
    "loss": "the lowest validation loss",
    "last": "the last epoch",
}


@dataclass(frozen=True)
class Keeping:
    """Chooses the epoch to keep from the metrics of all epochs so far.

    `"auto"` keeps the last epoch, which has the lowest learning rate, if its accuracy is within the
    95 % interval of the best, and the best otherwise: with a dozen validation clips, the best of
    several good epochs is a matter of chance and often an early one. With early stopping `"auto"`
    means `"best"`, and without validation clips `"last"`.

    Args:
        asked: `training.keep` of the configuration, a key of `RULES`.
        clips: Number of validation clips.
        stops: Whether training stops early.

    Raises:
        UserError: If the rule needs validation clips and there are none.

    Example:
        >>> keeping = Keeping("auto", clips=12)
        >>> rows = [{"epoch": 1, "val_accuracy": 0.5, "val_loss": 1.2}]
        >>> keeping.kept(rows)["epoch"]
        1
    """

    asked: str
    clips: int
    stops: bool = False

    def __post_init__(self):
        if self.asked in ("best", "loss") and not self.clips:
            raise UserError(
                f"training.keep is {self.asked}, but the data have no validation clips; "
                "set it to auto or last"
            )

    @property
    def rule(self) -> str:
        """The rule in force."""
        if self.asked != "auto":
            return self.asked
        if not self.clips:
            return "last"
        return "best" if self.stops else "auto"

    def kept(self, rows: Sequence[dict[str, float]]) -> dict[str, float]:
        """The row of the epoch to keep; ties go to the first.

        Args:
            rows: One row of metrics per epoch, at least one.
        """
        if self.rule == "last":
            return rows[-1]
        if self.rule == "loss":
            return max(rows, key=lambda row: -row["val_loss"])
        best = self.best(rows)
        if self.rule == "auto" and rows[-1]["val_accuracy"] >= self._interval(best).low:
            return rows[-1]
        return best

    def best(self, rows: Sequence[dict[str, float]]) -> dict[str, float]:
        """The row with the best validation accuracy; the lower loss breaks ties.

        Args:
            rows: One row of metrics per epoch, with validation.
        """
        return max(rows, key=lambda row: (row["val_accuracy"], -row["val_loss"]))

    def record(self, rows: Sequence[dict[str, float]]) -> dict[str, Any]:
        """The contents of `kept.json`: which epoch was kept and why.

        Returns:
            `epoch`, `step`, `epochs` so far, `rule`, `asked` and `why`; with validation clips also
            `val_clips`, `val_accuracy`, its 95 % `interval`, `best_epoch`, and `alike`, the number
            of epochs whose accuracy is within the interval or above.
        """
        row = self.kept(rows)
        found = {
            "epoch": int(row["epoch"]),
            "step": int(row["step"]),
            "epochs": len(rows),
            "rule": self.rule,
            "asked": self.asked,
            "why": RULES[self.rule],
        }
        if self.clips:
            interval = self._interval(row)
            found |= {
                "val_clips": self.clips,
                "val_accuracy": row["val_accuracy"],
                "interval": list(interval),
                "best_epoch": int(self.best(rows)["epoch"]),
                "alike": sum(each["val_accuracy"] >= interval.low for each in rows),
            }
        return found

    def _interval(self, row: dict[str, float]) -> Interval:
        return wilson(row["val_accuracy"] * self.clips, self.clips)


class ModelFiles:
    """Writes `last.keras`, `best.keras`, `model.keras` and `kept.json` after an epoch.

    Args:
        run: The run folder.
        config: Its configuration.
        classes: Number of classes.
        keeping: Chooses the epoch that is kept.
    """

    def __init__(self, run: Run, config: Config, classes: int, keeping: Keeping):
        self.run = run
        self.config = config
        self.classes = classes
        self.keeping = keeping

    def write(self, model: keras.Model, rows: Sequence[dict[str, float]]) -> None:
        """Writes the files.

        Args:
            model: The model with the weights of the last epoch.
            rows: One row of metrics per epoch, the last epoch's included.

        Raises:
            UserError: If the disk is full.
        """
        kept, last, best = (self.run.path / name for name in CHECKPOINTS.values())
        self._save(model, last)
        if self.keeping.clips and self.keeping.best(rows) is rows[-1]:
            _copy(last, best)
        chosen = self.keeping.kept(rows)
        if chosen is rows[-1]:
            _copy(last, kept)
        elif self.keeping.rule == "auto":
            _copy(best, kept)
        self.run.write("kept.json", self.keeping.record(rows))

    def _save(self, model: keras.Model, file: Path) -> None:
        saved = model
        if self.config.training.precision != "float32":
            # Inference and export use full precision.
            saved = create_model(self.config, self.classes)
            saved.set_weights(model.get_weights())
        with replacing(file) as temporary:
            saved.save(temporary)


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
