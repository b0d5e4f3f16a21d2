"""The model files of a run: the last epoch, the best one, and the one that is kept."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import keras

from pan_keras.config.config import Config
from pan_keras.files import replacing
from pan_keras.runs.network import create_model
from pan_keras.runs.run import CHECKPOINTS, Run
from pan_keras.training.keeping import Keeping


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
            # What is used and exported later computes in full precision.
            saved = create_model(self.config, self.classes)
            saved.set_weights(model.get_weights())
        with replacing(file) as temporary:
            saved.save(temporary)


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
