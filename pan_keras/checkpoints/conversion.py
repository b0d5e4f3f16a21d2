"""From the authors' checkpoints to one model, with a record of where everything went."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pan_keras.checkpoints.architecture import Architecture, detect
from pan_keras.checkpoints.filling import fill
from pan_keras.checkpoints.state_dict import described, read_state_dict
from pan_keras.checkpoints.weights import named_weights
from pan_keras.errors import UserError
from pan_keras.models import VideoNetwork

NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Branch:
    """A converted network and where it came from.

    Args:
        path: The checkpoint.
        architecture: What it was found to be.
        network: The network, with the checkpoint's weights.
        state: The checkpoint's arrays.
        tensors: Key, shape, type and place of each array.
    """

    path: Path
    architecture: Architecture
    network: VideoNetwork
    state: Mapping[str, np.ndarray]
    tensors: list[dict[str, Any]]

    def record(self) -> dict[str, Any]:
        """What is written down of it."""
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
        model: With all weights.
        name: Registered name of the model, or what that would be if its backbone were registered.
        settings: What must be said besides the name to make it anew.
        branches: The networks that it is made of, each from one checkpoint.
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
    pa_encoding: str = "e1",
) -> Conversion:
    """Makes a Keras model of a checkpoint of the authors' code.

    Backbone, classes, modality, shift, aggregation and, where it can be, the number of segments
    are read from the names and shapes of its tensors.

    Args:
        path: The checkpoint, in any format of `read_state_dict`.
        segments: Segments per clip, N, where the checkpoint fits several numbers.
        name: What to call the model; a registered name settles which network it is where the
            checkpoint fits several, and is refused where it does not fit.
        size: Height and width of the frames in pixels; the authors' is 224.
        pa_encoding: What the network makes of PA, `"e1"` or `"e2"`; no tensor tells.

    Raises:
        UserError: If the file cannot be read, or its tensors do not make a network, each tensor
            used and each weight filled.

    Example:
        >>> convert("PAN_Lite_resnet50.pth.tar").model.output_shape
        (None, 174)
    """
    check_name(name)
    path = Path(path)
    state = read_state_dict(path)
    with described(path):
        architecture = detect(state, segments, name, pa_encoding)
        branch = fill_branch(path, state, architecture, size, name or architecture.name)
    return Conversion(branch.network, architecture.name, architecture.settings, (branch,))


def fill_branch(
    path: Path,
    state: Mapping[str, np.ndarray],
    architecture: Architecture,
    size: int | tuple[int, int],
    name: str,
) -> Branch:
    """Builds the network of a checkpoint and gives it its weights.

    Raises:
        CheckpointError: If the two do not fit each other in all.
    """
    network = architecture.build(size, name)
    return Branch(path, architecture, network, state, fill(named_weights(network), state))


def check_name(name: str | None) -> None:
    """Raises UserError unless a name can be one of a model."""
    if name is not None and not NAME.fullmatch(name):
        raise UserError(f"--name {name}: use letters, digits, dots, dashes and underscores")
