"""Starting from the weights of another network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from pan_keras import models
from pan_keras.errors import UserError
from pan_keras.training.run import open_run
from pan_keras.training.weighted_layers import HEAD, weighted_layers


@dataclass(frozen=True)
class FineTuning:
    """What became of the weights of the network that training starts from.

    Args:
        source: The run folder or file.
        same_classes: Whether it has the classes of the new network.
        kept: Layers that have its weights now.
        fresh: Layers of the new network that start anew, and why.
        dropped: Its layers that the new network has no place for.
    """

    source: str
    same_classes: bool
    kept: tuple[str, ...]
    fresh: dict[str, str]
    dropped: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "source": self.source,
            "same_classes": self.same_classes,
            "kept": list(self.kept),
            "fresh": self.fresh,
            "dropped": list(self.dropped),
        }

    def to_text(self) -> str:
        """A few lines for a person."""
        total = len(self.kept) + len(self.fresh)
        lines = [f"start from {self.source}: {len(self.kept)} of {total} layers kept"]
        lines += [f"  fresh: {layer} ({why})" for layer, why in self.fresh.items()]
        lines += [f"  dropped: {layer} (there is no such layer)" for layer in self.dropped]
        return "\n".join(lines)


def start_from(
    model: keras.Model, source: Path | str, classes: Sequence[str] | None = None
) -> FineTuning:
    """Gives a network the weights of another where layers have the same name and shapes.

    Where the classes differ, the classifier starts anew and, as in the authors' code, VAP with it.

    Args:
        model: The network to train; its weights change.
        source: A run folder, whose best model is taken, or a `.keras` file.
        classes: Names of the network's classes. A run has the same if it has the same names in the
            same order; without names, or for a file, the same number.

    Raises:
        UserError: If the source cannot be read, or nothing in it fits.

    Example:
        >>> model = models.create("pan_lite_micro", classes=4, stack=3, size=(72, 96))
        >>> print(start_from(model, "runs/demo").to_text())
        start from runs/demo: 23 of 25 layers kept
          fresh: vap (other classes)
          fresh: logits (other classes)
    """
    given, labels = _read(Path(source))
    if classes is not None and labels is not None:
        same_classes = tuple(classes) == labels
    else:
        same_classes = model.output_shape[-1] == given.output_shape[-1]
    mine, theirs = dict(weighted_layers(model)), dict(weighted_layers(given))
    obstacles = {
        name: _obstacle(layer, theirs.get(name), same_classes) for name, layer in mine.items()
    }
    kept = tuple(name for name, why in obstacles.items() if not why)
    if not kept:
        raise UserError(
            f"{source}: none of its layers fits {model.name}; start from the same kind of network"
        )
    for name in kept:
        mine[name].set_weights(theirs[name].get_weights())
    return FineTuning(
        source=str(source),
        same_classes=same_classes,
        kept=kept,
        fresh={name: why for name, why in obstacles.items() if why},
        dropped=tuple(name for name in theirs if name not in mine),
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
        return models.load(source), None
    except ValueError as error:
        raise UserError(str(error)) from error


def _obstacle(
    layer: keras.layers.Layer, theirs: keras.layers.Layer | None, same_classes: bool
) -> str:
    if theirs is None:
        return "not in the source"
    if isinstance(layer, HEAD) and not same_classes:
        return "other classes"
    mine, given = ([tuple(weight.shape) for weight in each.weights] for each in (layer, theirs))
    return "" if mine == given else f"other shapes: {mine}, in the source {given}"
