"""The trained model to export, and its origin."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from pan_keras import models
from pan_keras.bundle import is_bundle
from pan_keras.clips import ClipShape
from pan_keras.data import Card
from pan_keras.errors import UserError
from pan_keras.layers import TemporalShift
from pan_keras.models import FlowNetwork, networks
from pan_keras.models.networks import flat_layers
from pan_keras.remote.copies import local_copy
from pan_keras.runs.run import Run, latest_run, open_run


@dataclass(frozen=True)
class Source:
    """A model, its labels and the shape of its clips; `open_source` makes it.

    Args:
        model: A video classifier of `pan_keras.models`.
        labels: Class names in the order of the logits.
        shape: Segments, stack, size and resize.
        run: The run that trained it, if known.
        file: The file that it was loaded from, if any.
    """

    model: keras.Model
    labels: tuple[str, ...]
    shape: ClipShape
    run: Run | None = None
    file: Path | None = None

    @property
    def name(self) -> str:
        """Title of the run or name of the model, for people."""
        return str(self.model.name) if self.run is None else self.run.title

    @property
    def card(self) -> Card | None:
        """The card of the training data, if there is one."""
        return None if self.run is None else self.run.card

    @property
    def checksum(self) -> str | None:
        """SHA-256 of the model file, if there is one."""
        return None if self.file is None else hashlib.sha256(self.file.read_bytes()).hexdigest()


def open_source(
    model: keras.Model | Path | str | None = None, labels: Sequence[str] | None = None
) -> Source:
    """Opens the model to export.

    Args:
        model: A model, a run folder, a `.keras` file, or None for the latest run in `runs`.
        labels: Class names of a model without a run; by default, numbers.

    Raises:
        UserError: If there is no such model, or it is not a video classifier of this package.

    Example:
        >>> open_source("runs/demo").labels[0]
        'left'
    """
    if isinstance(model, keras.Model):
        return _bare(model, labels, None)
    path = latest_run().path if model is None else local_copy(model)
    if path.suffix == ".keras":
        if (path.parent / "config.toml").is_file() and path.name == "model.keras":
            return _of_run(path.parent)
        return _bare(_load(path), labels, path)
    if is_bundle(path):
        raise UserError(
            f"{path}: already an exported bundle; give the run that it was exported from"
        )
    return _of_run(path)


def check_causal(source: Source) -> None:
    """Raises `UserError` if a model cannot stream because its temporal shift is not causal."""
    for layer in flat_layers(source.model):
        if isinstance(layer, TemporalShift) and not layer.causal:
            raise UserError(
                f"{source.name}: the shift of {layer.name} looks at the next segment, which a "
                "stream does not have; train with model.causal=true to stream"
            )


def _of_run(path: Path) -> Source:
    run = open_run(path)
    model = run.load_model()
    _check(model, str(path))
    if len(run.labels) != model.output_shape[-1]:
        raise UserError(
            f"{path / 'labels.txt'}: {len(run.labels)} labels, but the model gives "
            f"{model.output_shape[-1]} logits; fix the file"
        )
    return Source(model, run.labels, run.shape, run, path / "model.keras")


def _bare(model: keras.Model, labels: Sequence[str] | None, file: Path | None) -> Source:
    where = str(file or model.name)
    _check(model, where)
    classes = model.output_shape[-1]
    names = tuple(labels) if labels is not None else tuple(map(str, range(classes)))
    if len(names) != classes:
        raise UserError(
            f"{where}: returns {classes} logits, but there are {len(names)} labels; "
            "give one label per logit"
        )
    size = tuple(model.size)
    shape = ClipShape(model.segments, model.stack, (size[0], size[1]), min(size))
    return Source(model, names, shape, None, file)


def _load(path: Path) -> keras.Model:
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a .keras file or a run folder")
    try:
        return models.load(path)
    except ValueError as error:
        raise UserError(str(error)) from error


def _check(model: keras.Model, where: str) -> None:
    if not all(hasattr(model, name) for name in ("segments", "stack", "size")):
        raise UserError(f"{where}: not a video classifier of pan_keras.models; give one")
    if any(isinstance(network, FlowNetwork) for network in networks(model).values()):
        raise UserError(
            f"{where}: takes motion fields, which exported files do not compute from frames; "
            "export a network that takes frames, such as pa_* or pan_*"
        )
