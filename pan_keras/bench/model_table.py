"""Tabulates the registered models: parameters, multiply-accumulates and input."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from pan_keras import models
from pan_keras.errors import UserError
from pan_keras.models.cost import Cost, cost


@dataclass(frozen=True)
class ModelRow:
    """A model and its cost per clip.

    Attributes:
        name: Registry name.
        input: Shape of a clip, `(N, m, H, W, 3)`; of motion fields, `(N, m - 1, H, W, 2)`.
        cost: Its parameters, operations and memory.
    """

    name: str
    input: tuple[int, ...]
    cost: Cost

    def to_json(self, full: bool = False) -> dict[str, Any]:
        """Returns the row as a JSON object.

        Args:
            full: Whether to include the needed operations, the memory and the kinds of layers.
        """
        row = {
            "name": self.name,
            "parameters": self.cost.parameters,
            "macs": self.cost.macs,
            "input": list(self.input),
        }
        if not full:
            return row
        kinds = {
            kind: {"macs": macs, "needed_macs": needed}
            for kind, (macs, needed) in self.cost.by_kind().items()
        }
        return {
            **row,
            "needed_macs": self.cost.needed_macs,
            "activation_bytes": self.cost.activation_bytes,
            "by_kind": kinds,
        }


def model_table(
    pattern: str | None = None,
    *,
    classes: int = 174,
    segments: int = 8,
    stack: int = 4,
    size: int | tuple[int, int] = 224,
) -> list[ModelRow]:
    """Counts the cost of registered models; the defaults are those of the paper's Table V.

    Args:
        pattern: Shell-style pattern of names; None for all.
        classes: Number of classes, 174 on Something-Something.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        size: Height and width in pixels, or one number for both.

    Raises:
        UserError: If no name matches, or a model cannot be built for such clips.

    Example:
        >>> row, = model_table("pan_lite_resnet50")
        >>> row.cost.parameters, round(row.cost.macs / 1e9, 1)
        (23875542, 35.7)
    """
    found = models.names(pattern)
    if not found:
        raise UserError(
            f"{pattern}: no such model; give a name or a pattern such as 'pan_lite_*', and list "
            "all with: pan-keras models"
        )
    height, width = (size, size) if isinstance(size, int) else size
    rows = []
    for name in found:
        make = partial(
            models.create,
            name,
            classes=classes,
            segments=segments,
            stack=stack,
            size=(height, width),
        )
        try:
            counted = build_and_count(make)
        except ValueError as error:
            raise UserError(f"{name}: {error}") from error
        pictures, channels = (stack - 1, 2) if models.cue_of(name) == "flow" else (stack, 3)
        rows.append(ModelRow(name, (segments, pictures, height, width, channels), counted))
    return rows


def to_text(rows: Sequence[ModelRow], full: bool = False) -> str:
    """Formats rows as a table in millions of parameters and billions of operations.

    Args:
        rows: The rows.
        full: Whether to include the needed operations, the memory and the kinds of layers.
    """
    width = max(len(row.name) for row in rows)
    head = f"{'name':<{width}}  parameters/M  MAC/G"
    head += "  needed/G  activations/MB  input" if full else "  input"
    lines = [head]
    for row in rows:
        cost, clip = row.cost, "x".join(map(str, row.input))
        line = f"{row.name:<{width}}  {cost.parameters / 1e6:12.3f}  {cost.macs / 1e9:5.2f}"
        if full:
            line += f"  {cost.needed_macs / 1e9:8.2f}  {cost.activation_bytes / 1e6:14.1f}"
        lines.append(f"{line}  {clip}")
        if full:
            lines += [
                f"  {kind:<{width + 12}}  {paper / 1e9:5.2f}  {needed / 1e9:8.2f}"
                for kind, (paper, needed) in cost.by_kind().items()
                if paper >= 1e6
            ]
    return "\n".join(lines)


def build_and_count(make: Callable[[], keras.Model]) -> Cost:
    """Counts the cost of a model, built without allocating its weights.

    Args:
        make: Builds the model.
    """
    # Keras keeps the uninitialised variables of a stateless scope in a thread-local list, to fill
    # them later. A separate thread discards that list, so the weights of the largest networks are
    # never allocated.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(_count, make).result()


def _count(make: Callable[[], keras.Model]) -> Cost:
    with keras.StatelessScope(initialize_variables=False):
        return cost(make())
