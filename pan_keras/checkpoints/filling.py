"""From the arrays of a checkpoint into a network: every key used, every weight filled."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pan_keras.checkpoints.weights import COUNTER, Weight
from pan_keras.errors import CheckpointError

LISTED = 20
COUNTED = "not kept: Keras counts no batches"


def fill(weights: Sequence[Weight], state: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Sets weights to the arrays of a checkpoint.

    Args:
        weights: All weights that the checkpoint should have.
        state: Its arrays; counts of batches may be among them, nothing else.

    Returns:
        For each array its key, shape, type, and where it went.

    Raises:
        CheckpointError: If a weight has no array, an array no weight, or one does not fit.
    """
    check(weights, state)
    for weight in weights:
        weight.fill(state[weight.key])
    places = {weight.key: weight.variable.path for weight in weights}
    return [record(key, array, places.get(key, COUNTED)) for key, array in state.items()]


def check(weights: Sequence[Weight], state: Mapping[str, np.ndarray]) -> None:
    """Raises CheckpointError, with a list, unless weights and arrays are each other's."""
    keys = {weight.key for weight in weights}
    problems = [f"{weight.key} is missing" for weight in weights if weight.key not in state]
    problems += [
        f"{key} has no place"
        for key in state
        if key not in keys and key.rpartition(".")[2] != COUNTER
    ]
    for weight in weights:
        if weight.key in state:
            problems += _problems(weight, state[weight.key])
    if problems:
        raise CheckpointError("its tensors are not those of the network: " + listed(problems))


def _problems(weight: Weight, array: np.ndarray) -> list[str]:
    if array.shape != weight.shape:
        return [f"{weight.key} is {array.shape} instead of {weight.shape}"]
    if array.dtype.kind != "f":
        return [f"{weight.key} has whole numbers"]
    if not np.isfinite(array).all():
        return [f"{weight.key} has values that are not finite"]
    if weight.key.endswith("running_var") and array.min() < 0:
        return [f"{weight.key} has negative variances"]
    return []


def record(key: str, array: np.ndarray, place: str) -> dict[str, Any]:
    """What is written down of an array."""
    found: dict[str, Any] = {
        "key": key,
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "to": place,
    }
    return found | ({"value": array.item()} if place == COUNTED and array.size == 1 else {})


def listed(problems: Sequence[str]) -> str:
    """The first problems, and how many more there are."""
    rest = len(problems) - LISTED
    return "; ".join(problems[:LISTED]) + (f"; and {rest} more" if rest > 0 else "")
