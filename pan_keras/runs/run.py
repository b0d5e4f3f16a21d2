"""A run: configuration, data identity and split, models, metrics and versions in one folder."""

import csv
import hashlib
import json
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pan_keras.clips import ClipShape
from pan_keras.clips.live_window import LiveSampling
from pan_keras.config import Config, read_config
from pan_keras.data import Card, is_card, is_own_card, load_card
from pan_keras.data.roots import data_root
from pan_keras.errors import UserError
from pan_keras.metrics.confidence import Confidence
from pan_keras.printable import is_printable
from pan_keras.remote.copies import local_copy
from pan_keras.runs.data_identity import DataIdentity, identity_from_csv
from pan_keras.runs.model_input import clip_shape
from pan_keras.runs.run_folder import RunFolder
from pan_keras.runs.training_record import metrics_from_csv, metrics_to_csv

if TYPE_CHECKING:
    import keras

CARD = "card.toml"
# The files of the trained models by name.
CHECKPOINTS = {"kept": "model.keras", "last": "last.keras", "best": "best.keras"}
IDENTITY = "data_identity.json"
CONFIDENCE = "confidence.json"


@dataclass(frozen=True, repr=False)
class Run(RunFolder):
    """The folder of one training run.

    It holds `config.toml` (resolved), `versions.json`, `metrics.csv` (one row per epoch),
    `tensorboard/`, `checkpoints/`, `model.keras` (the kept epoch) with `kept.json`, `last.keras`,
    `best.keras`, `confidence.json` if it was calibrated, `labels.txt`, `preprocessing.json`,
    `data_report.json`, `card.toml` if the data have a card, and the identity of the data:
    `split.csv` (path, class, split and size of every clip at the start) with `data_identity.json`
    (digest and root).

    Args:
        path: The folder.
        checkpoint: The model that `load_model` returns by default.

    Example:
        >>> run = open_run("runs/demo")
        >>> run.shape.array  # (N, m, H, W, 3)
        (4, 2, 24, 32, 3)
        >>> run.metrics()[-1]["val_accuracy"], run.load_model().output_shape
        (0.97, (None, 8))
    """

    checkpoint: str = "kept"

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}{self._in_short()})"

    @cached_property
    def config(self) -> Config:
        """The resolved configuration."""
        return read_config(self.path / "config.toml")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits.

        Raises:
            UserError: If `labels.txt` is absent or damaged.
        """
        names = tuple(self.read_text("labels.txt").removesuffix("\n").split("\n"))
        if not all(map(is_printable, names)) or "" in names or len(set(names)) < len(names):
            raise UserError(
                f"{self.path / 'labels.txt'}: must hold one unique name per line; restore the file "
                "that training wrote"
            )
        return names

    @cached_property
    def shape(self) -> ClipShape:
        """Shape of the clips that the model takes."""
        return clip_shape(self.config)

    @cached_property
    def card(self) -> Card | None:
        """The data set card at the start of the run; None for data without a card.

        Raises:
            UserError: If the card is damaged.
        """
        if (self.path / CARD).is_file():
            return load_card(self.path / CARD)
        # Earlier versions stored no copy of the card, and a user's card may be gone.
        source = self.config.data.source
        there = Path(source).is_file() if is_own_card(source) else is_card(source)
        return load_card(source) if there else None

    @property
    def title(self) -> str:
        """Network and data, as a title."""
        name, data = self.config.model.name, Path(self.config.data.source).stem
        return f"{name} on {data}" if data else name

    @property
    def preprocessing(self) -> dict[str, Any]:
        """Preprocessing of frames before the model."""
        return self.read_json("preprocessing.json")

    @property
    def data_report(self) -> dict[str, Any]:
        """Counts, ranges and skipped files of the data."""
        return self.read_json("data_report.json")

    @property
    def live_sampling(self) -> LiveSampling:
        """Sampling of live video that matches the sampling of the training clips.

        Raises:
            UserError: If the run does not describe its training clips.
        """
        report, shape = self.data_report, self.shape
        try:
            frames, rate = report["frames"]["median"], report["frame_rate"]["median"]
        except (KeyError, TypeError):
            raise UserError(
                f"{self.path / 'data_report.json'}: does not describe the frames of the training "
                "clips; train the run again"
            ) from None
        dense = self.config.augmentation.sampling == "dense"
        return LiveSampling.of_training(
            shape.segments, shape.stack, frames=frames, rate=rate, dense=dense
        )

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the software that trained the model."""
        return self.read_json("versions.json")

    @cached_property
    def identity(self) -> DataIdentity | None:
        """The clips of the run at its start.

        None if there is no record: in converted runs, and in runs of earlier versions on data with
        a given split.

        Raises:
            UserError: If the record is damaged.
        """
        file, facts = self.path / "split.csv", self.path / IDENTITY
        if not file.is_file():
            return None
        try:
            text = file.read_bytes().decode("utf-8", "surrogateescape")
            known = json.loads(facts.read_text("utf-8")) if facts.is_file() else {}
            data = self.config.data
            earlier = data_root(data.source, None if data.source.endswith(".csv") else data.root)
            found = replace(
                identity_from_csv(text, Path(known.get("root", earlier))),
                shards=known.get("shards"),
            )
            if known and known["digest"] != found.digest:
                raise ValueError("it differs from its digest")
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error, OSError) as error:
            raise UserError(
                f"{file}: not the clips that the run started with ({error}); "
                "restore this file and data_identity.json"
            ) from None
        return found

    @property
    def root_beside(self) -> Path | None:
        """Root of the data if they were copied together with the run; None if not found."""
        file = self.path / IDENTITY
        if not file.is_file():
            return None
        try:
            way = json.loads(file.read_text("utf-8"))["root_from_run"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Path(os.path.normpath(self.path.resolve() / way))

    def write_identity(self, identity: DataIdentity) -> None:
        """Writes `split.csv` and `data_identity.json`.

        Args:
            identity: The record.

        Example:
            >>> run = open_run("runs/demo")
            >>> run.write_identity(run.identity)
        """
        root = Path(os.path.abspath(identity.root))  # noqa: PTH100
        self.write("split.csv", identity.to_csv())
        self.write(
            IDENTITY,
            {
                "digest": identity.digest,
                "root": str(root),
                # Locates the data of a run that was copied together with them.
                "root_from_run": os.path.relpath(root, self.path.resolve()),
                "clips": len(identity.clips),
                **({"shards": dict(identity.shards)} if identity.shards is not None else {}),
            },
        )

    def metrics(self) -> list[dict[str, float]]:
        """Reads the metrics of all epochs.

        Returns:
            One row per epoch: loss, accuracy, their validation values, speed.
        """
        text = self.read_text("metrics.csv")
        try:
            return metrics_from_csv(text)
        except ValueError as error:
            raise self.damaged("metrics.csv", error) from None

    @property
    def kept(self) -> dict[str, Any] | None:
        """The epoch of `model.keras` and why it was kept; None for runs of earlier releases."""
        if not (self.path / "kept.json").is_file():
            return None
        return self.read_json("kept.json")

    @cached_property
    def confidence_record(self) -> dict[str, Any] | None:
        """The calibration of the kept model from `confidence.json`; None if it is not calibrated.

        A record for an earlier model in the same folder is ignored.

        Raises:
            UserError: If the record is damaged.
        """
        model = self.path / "model.keras"
        if not (self.path / CONFIDENCE).is_file() or not model.is_file():
            return None
        record = self.read_json(CONFIDENCE)
        try:
            Confidence.of(record)
            if record["threshold"] is not None:
                float(record["false_alarms"])
            same = record["model_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{self.path / CONFIDENCE}: damaged ({str(error)[:200]}); write it again with "
                "pan-keras calibrate"
            ) from None
        return record if same else None

    @property
    def confidence(self) -> Confidence:
        """Temperature and threshold of the model; 1 and None if it is not calibrated.

        Raises:
            UserError: If the record is damaged.
        """
        return Confidence.of(self.confidence_record if self.checkpoint == "kept" else None)

    def load_model(self, checkpoint: str | None = None) -> "keras.Model":
        """Loads a trained model of the run.

        Args:
            checkpoint: `"kept"`, the epoch that `training.keep` chose, `"last"` or `"best"`; by
                default that of the run.

        Returns:
            A model from frames uint8 `(B, N, m, H, W, 3)` to logits `(B, classes)`.

        Raises:
            UserError: If it is absent, damaged, or does not match the labels and the configuration.
        """
        from pan_keras import models  # noqa: PLC0415

        name = CHECKPOINTS[checkpoint or self.checkpoint]
        file = self.path / name
        if not file.is_file() and name != "model.keras" and (self.path / "model.keras").is_file():
            raise UserError(f"{file}: missing; this run has only the model that was kept")
        if not file.is_file():
            raise UserError(f"{file}: missing; train the run to the end of an epoch first")
        try:
            model = models.load(file)
        except ValueError as error:
            raise UserError(str(error)) from error
        self._check(model)
        return model

    def write_metrics(self, rows: list[dict[str, float]]) -> None:
        """Rewrites `metrics.csv`.

        Args:
            rows: One per epoch.

        Example:
            >>> run = open_run("runs/demo")
            >>> run.write_metrics(run.metrics())
        """
        self.write("metrics.csv", metrics_to_csv(rows))

    def _in_short(self) -> str:
        """Network, data, epochs and accuracy, as far as the folder has them."""
        try:
            epochs = len(self.metrics()) if (self.path / "metrics.csv").is_file() else 0
            parts = [self.title, f"{len(self.labels)} classes", f"epochs: {epochs}"]
            accuracy = (self.kept or {}).get("val_accuracy")
        except UserError:
            return ""
        if accuracy is not None:
            parts.append(f"validation accuracy {accuracy:.3f}")
        return f": {', '.join(parts)}"

    def _check(self, model: "keras.Model") -> None:
        classes, clips = model.output_shape[-1], tuple(model.input_shape[1:])
        if classes != len(self.labels):
            raise UserError(
                f"{self.path / 'labels.txt'}: {len(self.labels)} labels, but the model gives "
                f"{classes} logits; restore the file that training wrote"
            )
        if clips != self.shape.array:
            raise UserError(
                f"{self.path / 'config.toml'}: describes clips of {self.shape.array}, but the "
                f"model takes {clips}; restore the file that training wrote"
            )


def open_run(path: Path | str) -> Run:
    """Opens a run folder.

    Args:
        path: The folder, or the address of a copy in remote storage, which is only read.

    Returns:
        The run.

    Raises:
        UserError: If the folder is not one.

    Example:
        >>> open_run("runs/demo").labels[0]
        'left'
    """
    path = local_copy(path)
    if not (path / "config.toml").is_file():
        raise UserError(f"{path}: not a run folder (no config.toml); give one that train wrote")
    return Run(path)


def latest_run(folder: Path = Path("runs")) -> Run:
    """Finds the most recently written run.

    Args:
        folder: The folder that contains run folders.

    Returns:
        The run.

    Raises:
        UserError: If there is none.

    Example:
        >>> run = latest_run(Path("runs"))
    """
    runs = sorted(folder.glob("*/config.toml"), key=lambda file: file.stat().st_mtime)
    if not runs:
        raise UserError(f"{folder}: contains no run; name one with --run")
    return Run(runs[-1].parent)
