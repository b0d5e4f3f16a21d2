"""Initial weights from another network, as named by `model.weights`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from pan_keras import models
from pan_keras.checkpoints import is_application, load_backbone_weights
from pan_keras.errors import UserError
from pan_keras.runs.run import Run, open_run


class Taken(Protocol):
    """A report on which weights were loaded."""

    def to_json(self) -> dict[str, Any]:
        """The report as JSON."""

    def to_text(self) -> str:
        """The report as text."""


@dataclass(frozen=True)
class FineTuning:
    """Reports which layers kept the weights of the source, are fresh, or were dropped.

    Args:
        source: The run folder or file.
        same_classes: Whether its classes are those of the new network, in the same order.
        kept: Layers with weights from the source.
        fresh: Layers of the new network that keep their random weights, and why.
        dropped: Layers of the source that the new network lacks.
        kept_classes: Classes whose classifier rows come from the source, if the classes differ.
        fresh_classes: Classes whose classifier rows stay random, if others are kept.
    """

    source: str
    same_classes: bool
    kept: tuple[str, ...]
    fresh: dict[str, str]
    dropped: tuple[str, ...]
    kept_classes: tuple[str, ...] = ()
    fresh_classes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "source": self.source,
            "same_classes": self.same_classes,
            "kept": list(self.kept),
            "fresh": self.fresh,
            "dropped": list(self.dropped),
            "kept_classes": list(self.kept_classes),
            "fresh_classes": list(self.fresh_classes),
        }

    def to_text(self) -> str:
        """The report as text of a few lines."""
        total = len(self.kept) + len(self.fresh)
        lines = [f"start from {self.source}: {len(self.kept)} of {total} layers kept"]
        if self.kept_classes:
            lines.append(f"  classifier: kept {', '.join(self.kept_classes)}")
            lines.append(f"  classifier: fresh {', '.join(self.fresh_classes) or 'none'}")
        lines += [f"  fresh: {layer} ({why})" for layer, why in self.fresh.items()]
        lines += [f"  dropped: {layer} (not in this network)" for layer in self.dropped]
        return "\n".join(lines)


def initial_weights(
    model: keras.Model, source: str, classes: Sequence[str] | None = None
) -> tuple[Taken, ...]:
    """Loads the weights that training starts from.

    A run folder or `.keras` file initialises all layers that fit (`start_from`); a file of
    `keras.applications`, any other file, or `imagenet`, initialises the backbone
    (`load_backbone_weights`).

    Args:
        model: The network to train; its weights change.
        source: `model.weights` of the configuration.
        classes: Names of the network's classes.

    Returns:
        A report on what was loaded and dropped.

    Raises:
        UserError: If the source cannot be read, or nothing in it fits.
    """
    ours = source.endswith(".keras") and not is_application(source)
    if Path(source).is_dir() or ours:
        return (start_from(model, source, classes),)
    return load_backbone_weights(model, source)


def start_from(
    model: keras.Model, source: Path | str, classes: Sequence[str] | None = None
) -> FineTuning:
    """Loads the weights of another network into layers with the same name and shapes.

    If the classes differ, classes with the same name keep their rows of the classifier, whatever
    their order, and the others stay random. VAP is kept, as it does not depend on the classes; the
    authors' code resets it with the classifier.

    Args:
        model: The network to train; its weights change.
        source: A run folder, whose kept model is used, or a `.keras` file.
        classes: Names of the network's classes. The names for a file come from `labels.txt` beside
            it; without names on either side, an equal number of classes counts as the same.

    Raises:
        UserError: If the source cannot be read, or nothing in it fits.

    Example:
        >>> model = models.create("pan_lite_micro", classes=4, stack=3, size=(72, 96))
        >>> print(start_from(model, "runs/demo", ["left", "right", "up", "wave"]).to_text())
        start from runs/demo: 25 of 25 layers kept
          classifier: kept left, right, up
          classifier: fresh wave
    """
    given, labels = _read(Path(source))
    named = classes is not None and labels is not None
    names = list(classes or []), list(labels or [])
    if named:
        same_classes = names[0] == names[1]
        common = [name for name in names[0] if name in names[1]]
    else:
        same_classes = model.output_shape[-1] == given.output_shape[-1]
        common = []
    mine, theirs = dict(models.weighted_layers(model)), dict(models.weighted_layers(given))
    kept, fresh = [], {}
    for name, layer in mine.items():
        source_layer = theirs.get(name)
        if source_layer is not None and not same_classes and _is_classifier(layer):
            why = _copy_rows(layer, source_layer, *names) if common else "other classes"
        else:
            why = _copy(layer, source_layer)
        if why:
            fresh[name] = why
        else:
            kept.append(name)
    if not kept:
        raise UserError(
            f"{source}: none of its layers fits {model.name}; start from the same kind of network"
        )
    partly = not same_classes and any(_is_classifier(mine[name]) for name in kept)
    return FineTuning(
        source=str(source),
        same_classes=same_classes,
        kept=tuple(kept),
        fresh=fresh,
        dropped=tuple(name for name in theirs if name not in mine),
        kept_classes=tuple(common) if partly else (),
        fresh_classes=tuple(name for name in names[0] if name not in common) if partly else (),
    )


def _read(source: Path) -> tuple[keras.Model, tuple[str, ...] | None]:
    if source.is_dir():
        run = open_run(source)
        return run.load_model(), run.labels
    if source.suffix != ".keras" or not source.is_file():
        raise UserError(
            f"model.weights: {source} is neither a run folder nor a .keras file; name one that "
            "exists"
        )
    try:
        model = models.load(source)
    except ValueError as error:
        raise UserError(str(error)) from error
    beside = source.with_name("labels.txt")
    labels = Run(source.parent).labels if beside.is_file() else ()
    return model, labels if len(labels) == model.output_shape[-1] else None


def _is_classifier(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Dense)


def _copy(layer: keras.layers.Layer, source: keras.layers.Layer | None) -> str:
    """Copies the weights of a layer; returns why they do not fit, or an empty text."""
    if source is None:
        return "missing in the source"
    mine, given = ([tuple(weight.shape) for weight in each.weights] for each in (layer, source))
    if mine != given:
        return f"other shapes: {mine}, in the source {given}"
    layer.set_weights(source.get_weights())
    return ""


def _copy_rows(
    layer: keras.layers.Layer,
    source: keras.layers.Layer,
    classes: Sequence[str],
    labels: Sequence[str],
) -> str:
    """Copies classifier rows of classes with the same name; returns why they do not fit, or ''."""
    weights, given = layer.get_weights(), source.get_weights()
    shapes = [[array.shape[:-1] for array in arrays] for arrays in (weights, given)]
    if shapes[0] != shapes[1]:
        return (
            f"other shapes: {[a.shape for a in weights]}, in the source {[a.shape for a in given]}"
        )
    place = {name: number for number, name in enumerate(labels)}
    rows = np.array([number for number, name in enumerate(classes) if name in place])
    sources = np.array([place[classes[number]] for number in rows])
    for array, values in zip(weights, given, strict=True):
        array[..., rows] = values[..., sources]
    layer.set_weights(weights)
    return ""
