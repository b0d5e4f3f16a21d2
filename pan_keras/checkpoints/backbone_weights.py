"""Initialises backbones with weights from other networks, for transfer learning."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pan_keras.backbones import Backbone
from pan_keras.checkpoints.applications import SUFFIXES, application_state
from pan_keras.checkpoints.architecture import branches_of
from pan_keras.checkpoints.conversion import check, listed
from pan_keras.checkpoints.imagenet import imagenet_state
from pan_keras.checkpoints.state_dict import described, read_state_dict
from pan_keras.checkpoints.weights import (
    BACKBONE,
    SHIFTED,
    Weight,
    backbone_weights,
    declared,
    motion_weights,
)
from pan_keras.errors import CheckpointError
from pan_keras.models import VideoNetwork

IMAGENET = "imagenet"
RGB = 3
MOTION = "PA."
# The classifier, and VAP, which replaces it.
HEAD = re.compile(r"(fc|classifier|new_fc)\.")


@dataclass(frozen=True)
class LoadedWeights:
    """Report on weights transferred from another network.

    Args:
        source: File, or `"imagenet"`, that the weights come from.
        branch: Network of the model: `lite`, `pa` or `rgb`.
        loaded: Number of tensors loaded.
        inflated: Input channels of the stem, if it was inflated from RGB.
        fresh: Whether PA keeps its initial weights, because the source has none.
        dropped: Keys of the source that were not used.

    Example:
        >>> report = LoadedWeights("resnet50.pth", "lite", 320, 6, True, ("fc.weight", "fc.bias"))
        >>> report.to_text().partition(":")[0]
        'lite from resnet50.pth'
        >>> report.to_json()["loaded"]
        320
    """

    source: str
    branch: str
    loaded: int
    inflated: int | None
    fresh: bool
    dropped: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the report for programs.

        Returns:
            The fields by name.
        """
        return asdict(self)

    def to_text(self) -> str:
        """Returns the report as text.

        Returns:
            One line.
        """
        parts = [f"{self.loaded} tensors loaded"]
        if self.inflated is not None:
            parts.append(f"the stem inflated from RGB to {self.inflated} channels")
        if self.fresh:
            parts.append("PA starts untrained")
        parts.append(f"dropped: {listed(self.dropped) or 'nothing'}")
        return f"{self.branch} from {self.source}: " + ", ".join(parts)


def load_backbone_weights(model: keras.Model, source: str | Path) -> tuple[LoadedWeights, ...]:
    """Loads backbone weights, and those of PA where available, into each branch of a model.

    Classifier and aggregation weights are dropped, as in the authors' transfer to another data set.
    An RGB stem is inflated if the network's stem takes a different number of channels.

    Args:
        model: A network with fresh weights.
        source: A state_dict of torchvision, timm (ResNet, MobileNetV2) or the authors' code in any
            format of `read_state_dict`; a `.h5` or `.keras` file of `keras.applications`; or
            `"imagenet"` for the weights that Keras distributes.

    Returns:
        What was loaded and what was dropped, for each branch.

    Raises:
        UserError: If the source cannot be read or holds another backbone.

    Example:
        >>> from pan_keras import models
        >>> model = models.create("pan_lite_micro", classes=10)
        >>> (report,) = load_backbone_weights(model, "TSN_micro.pth.tar")
        >>> report.inflated  # from 3 channels
        6
    """
    application = Path(source).suffix in SUFFIXES and Path(source).is_file()
    given = None if application or str(source) == IMAGENET else read_state_dict(source)
    loaded = []
    for name, network in branches_of(model).items():
        with described(source):
            if application:
                state = application_state(source, network.backbone.name)
            else:
                state = imagenet_state(network.backbone.name) if given is None else given
            plain = plain_names(state, declared(network.backbone))
            loaded.append(_load(network, plain, str(source), name))
    return tuple(loaded)


def plain_names(
    state: Mapping[str, np.ndarray], kind: type[Backbone] = Backbone
) -> dict[str, np.ndarray]:
    """Renames arrays to torchvision's names.

    Args:
        state: State_dict of torchvision, of timm, or of the authors' code, which prefixes
            torchvision's names with `base_model.` and adds `.net` to shifted layers.
        kind: The backbone's class, which maps timm's names.
    """
    return {
        key.removeprefix(BACKBONE).replace(f"{SHIFTED}.", "."): array
        for key, array in kind.from_timm(state).items()
    }


def inflate(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Inflates an RGB stem: each new input channel gets the mean over the three.

    Args:
        kernel: `(out, 3, height, width)`, or with time before height.
        channels: Input channels of the inflated stem.

    Returns:
        The same shape with `channels` in place of 3.

    References:
        The paper's released code (PAN_Lite); Wang et al., "Temporal Segment Networks", ECCV 2016
        (optical flow).
    """
    return np.repeat(kernel.mean(axis=1, keepdims=True), channels, axis=1)


def _load(
    network: VideoNetwork, state: dict[str, np.ndarray], source: str, branch: str
) -> LoadedWeights:
    motion = motion_weights(network)
    has_motion = any(key.startswith(MOTION) for key in state)
    weights = [_plain(weight) for weight in backbone_weights(network)]
    if has_motion:
        weights += motion
    dropped = tuple(
        key for key in state if HEAD.match(key) or (key.startswith(MOTION) and not motion)
    )
    kept = {key: array for key, array in state.items() if key not in dropped}
    kind = declared(network.backbone)
    inflated = _inflate_stem(f"{kind.torch_key(kind.stem)}.weight", weights, kept)
    check(weights, kept)
    for weight in weights:
        weight.fill(kept[weight.key])
    return LoadedWeights(
        source=source,
        branch=branch,
        loaded=len(weights),
        inflated=inflated,
        fresh=bool(motion) and not has_motion,
        dropped=dropped,
    )


def _plain(weight: Weight) -> Weight:
    """Returns a backbone weight with its key in torchvision's naming."""
    (key,) = plain_names({weight.key: np.empty(0)})
    return replace(weight, key=key)


def _inflate_stem(stem: str, weights: list[Weight], state: dict[str, np.ndarray]) -> int | None:
    for weight in weights:
        if weight.key != stem or stem not in state:
            continue
        channels, given = weight.shape[1], state[weight.key]
        if given.ndim != len(weight.shape):
            raise CheckpointError(f"{weight.key} has {given.ndim} axes")
        if given.shape[1] not in (RGB, channels):
            raise CheckpointError(
                f"its stem takes {given.shape[1]} channels, but the network's takes {channels}; "
                "set model.stack to what the weights were trained with"
            )
        if given.shape[1] != channels:
            state[weight.key] = inflate(given, channels)
            return channels
    return None
