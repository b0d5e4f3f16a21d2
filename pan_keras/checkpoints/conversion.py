"""Converts checkpoints to Keras models; every key must be used and every weight filled."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pan_keras.checkpoints.architecture import Architecture, detect
from pan_keras.checkpoints.state_dict import described, read_state_dict
from pan_keras.checkpoints.weights import COUNTER, Weight, named_weights
from pan_keras.errors import CheckpointError, UserError
from pan_keras.models import PANEnsemble, PANFull, VideoNetwork

LISTED = 20
COUNTED = "not converted: Keras does not count batches"


def fill(weights: Sequence[Weight], state: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Assigns the arrays of a checkpoint to weights.

    Args:
        weights: All weights expected in the checkpoint.
        state: Its arrays; batch counts are the only extra entries allowed.

    Returns:
        Key, shape, type and destination of each array.

    Raises:
        CheckpointError: If a weight has no array, an array has no weight, or the two do not match.
    """
    check(weights, state)
    for weight in weights:
        weight.fill(state[weight.key])
    places = {weight.key: weight.variable.path for weight in weights}
    return [record(key, array, places.get(key, COUNTED)) for key, array in state.items()]


def check(weights: Sequence[Weight], state: Mapping[str, np.ndarray]) -> None:
    """Raises CheckpointError with a list of problems unless arrays and weights match exactly."""
    keys = {weight.key for weight in weights}
    problems = [f"{weight.key} is missing" for weight in weights if weight.key not in state]
    problems += [
        f"{key} has no counterpart"
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
        return [f"{weight.key} holds integers"]
    if not np.isfinite(array).all():
        return [f"{weight.key} has values that are not finite"]
    if weight.key.endswith("running_var") and array.min() < 0:
        return [f"{weight.key} has negative variances"]
    return []


def record(key: str, array: np.ndarray, place: str) -> dict[str, Any]:
    """Returns the conversion record of an array."""
    found: dict[str, Any] = {
        "key": key,
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "to": place,
    }
    return found | ({"value": array.item()} if place == COUNTED and array.size == 1 else {})


def listed(problems: Sequence[str]) -> str:
    """Joins the first problems and counts the rest."""
    rest = len(problems) - LISTED
    return "; ".join(problems[:LISTED]) + (f"; and {rest} more" if rest > 0 else "")


FULL, ENSEMBLE = {"rgb", "pa"}, {"rgb", "pa", "lite"}
FUSE_RUNS = "convert each separately, and give all runs to `pan-keras evaluate` to fuse them"
NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Branch:
    """A converted network and its checkpoint.

    Args:
        path: The checkpoint.
        architecture: Architecture detected from the checkpoint.
        network: The network, with the checkpoint's weights.
        state: The checkpoint's arrays by key, in PyTorch's shapes.
        tensors: Key, shape, type and destination of each array.

    Example:
        >>> (branch,) = convert("PAN_Lite_resnet50.pth.tar").branches
        >>> branch.record()["branch"]
        'lite'
    """

    path: Path
    architecture: Architecture
    network: VideoNetwork
    state: Mapping[str, np.ndarray]
    tensors: list[dict[str, Any]]

    def record(self) -> dict[str, Any]:
        """Returns the branch's entry in `conversion.json`.

        Returns:
            Branch, file, digest, network, assumptions and tensors.
        """
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {
            "branch": self.architecture.modality,
            "file": str(self.path),
            "sha256": digest,
            "network": self.architecture.name,
            "assumed": list(self.architecture.assumed),
            "tensors": self.tensors,
        }


@dataclass(frozen=True)
class Conversion:
    """A converted model.

    Args:
        model: The model, with its weights.
        name: Registered name of the model, or the name it would have if its backbone were
            registered.
        settings: Options needed, besides the name, to create the model again.
        branches: The networks of the model, each from one checkpoint.

    Example:
        >>> convert("PAN_Lite_resnet50.pth.tar").name
        'pan_lite_resnet50'
    """

    model: keras.Model
    name: str
    settings: dict[str, Any]
    branches: tuple[Branch, ...]


def convert(
    path: str | Path,
    *,
    segments: int | None = None,
    name: str | None = None,
    size: int | tuple[int, int] = 224,
    motion_encoding: str = "e1",
) -> Conversion:
    """Converts a checkpoint of the authors' code to a Keras model.

    Backbone, classes, modality, shift, aggregation and, where possible, the number of segments are
    inferred from the names and shapes of its tensors.

    Args:
        path: The checkpoint, in any format of `read_state_dict`.
        segments: Segments per clip, N, if the checkpoint fits several numbers.
        name: Name of the model. A registered name selects the network if the checkpoint fits
            several, and must match the checkpoint.
        size: Height and width of the frames in pixels; the authors use 224.
        motion_encoding: Encoding of PA, `"e1"` or `"e2"`, which cannot be inferred.

    Returns:
        The model and its origin.

    Raises:
        UserError: If the file cannot be read, or its tensors do not match a network exactly.

    Example:
        >>> convert("PAN_Lite_resnet50.pth.tar").model.output_shape
        (None, 174)
    """
    check_name(name)
    path = Path(path)
    state = read_state_dict(path)
    with described(path):
        architecture = detect(state, segments, name, motion_encoding)
        branch = fill_branch(path, state, architecture, size, name or architecture.name)
    return Conversion(branch.network, architecture.name, architecture.settings, (branch,))


def fill_branch(
    path: Path,
    state: Mapping[str, np.ndarray],
    architecture: Architecture,
    size: int | tuple[int, int],
    name: str,
) -> Branch:
    """Builds the network of a checkpoint and loads its weights.

    Raises:
        CheckpointError: If arrays and weights do not match exactly.
    """
    network = architecture.build(size, name)
    return Branch(path, architecture, network, state, fill(named_weights(network), state))


def check_name(name: str | None) -> None:
    """Raises UserError unless a name is a valid model name."""
    if name is not None and not NAME.fullmatch(name):
        raise UserError(f"--name {name}: use letters, digits, dots, dashes and underscores")


def convert_full(
    paths: Sequence[str | Path],
    *,
    segments: int | None = None,
    name: str | None = None,
    size: int | tuple[int, int] = 224,
    motion_encoding: str = "e1",
) -> Conversion:
    """Fuses the checkpoints of separately trained branches into one Keras model.

    Args:
        paths: Checkpoints in any order: RGB and PA for PAN_Full; RGB, PA and PAN_Lite for PAN_En.
        segments: Segments per clip, N, if the checkpoints fit several numbers.
        name: Name of the model.
        size: Height and width of the frames in pixels.
        motion_encoding: Encoding of PA, `"e1"` or `"e2"`, which cannot be inferred.

    Returns:
        The model and its origin.

    Raises:
        UserError: If a file cannot be read, the branches are not those named above, or they are
            incompatible.

    Example:
        >>> convert_full(["RGB.pth.tar", "PA.pth.tar"]).model.output_shape
        (None, 174)
    """
    check_name(name)
    states = {}
    found: dict[str, tuple[Path, Architecture]] = {}
    for path in map(Path, paths):
        state = read_state_dict(path)
        with described(path):
            architecture = detect(state, segments, motion_encoding=motion_encoding)
        if architecture.modality in found:
            raise UserError(
                f"{path}: {found[architecture.modality][0]} is a {architecture.modality} network "
                "too; give one checkpoint per branch"
            )
        states[path] = state
        found[architecture.modality] = (path, architecture)
    if set(found) not in (FULL, ENSEMBLE):
        raise UserError(
            f"the checkpoints are of {', '.join(sorted(found))}; give one of rgb and one of pa for "
            "PAN_Full, plus one of lite for PAN_En"
        )
    architectures = _alike({mode: each for mode, (_, each) in found.items()})
    branches = {}
    for mode, (path, _) in found.items():
        with described(path):
            branches[mode] = fill_branch(path, states[path], architectures[mode], size, mode)
    pa = architectures["pa"]
    family = "pan_full" if set(found) == FULL else "pan_en"
    registered = f"{family}_{pa.backbone}"
    model = _fused({mode: branch.network for mode, branch in branches.items()}, name or registered)
    return Conversion(model, registered, pa.settings, tuple(branches.values()))


def _alike(architectures: Mapping[str, Architecture]) -> dict[str, Architecture]:
    """Returns the architectures with a common stack length.

    Raises:
        UserError: If they are incompatible.
    """
    stacks = {each.stack for mode, each in architectures.items() if mode != "rgb"}
    kinds = [
        (each.backbone, each.options, each.shift, each.segments, each.classes, each.aggregation)
        for each in architectures.values()
    ]
    pa = [each.pa for each in architectures.values() if each.pa]
    differ = any(kind != kinds[0] for kind in kinds) or any(each != pa[0] for each in pa)
    if len(stacks) > 1 or differ:
        raise UserError(
            "the checkpoints differ in backbone, shift, segments, stack, PA, classes or aggregation"
            f"; {FUSE_RUNS}"
        )
    # The RGB branch uses only the first frame of each stack, so it accepts any stack length.
    (stack,) = stacks
    return {mode: replace(each, stack=stack) for mode, each in architectures.items()}


def _fused(networks: Mapping[str, VideoNetwork], name: str) -> keras.Model:
    alone = "lite" not in networks
    full = PANFull(rgb=networks["rgb"], pa=networks["pa"], name=name if alone else "full")
    return full if alone else PANEnsemble(lite=networks["lite"], full=full, name=name)
