"""The way back: a network's weights under the names of the authors' code."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pan_keras.checkpoints.safetensors import write_safetensors
from pan_keras.checkpoints.state_dict import described
from pan_keras.checkpoints.torch_files import write_torch
from pan_keras.checkpoints.weights import COUNTER, named_weights
from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.models import VideoNetwork

VARIANCE = "running_var"
SAFETENSORS = ".safetensors"
TORCH = (".pth", ".pt", ".tar")


def state_dict_of(
    network: VideoNetwork, counts: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
    """The weights of a network as the authors' code would save them.

    Args:
        network: PAN_Lite, or the PA or RGB branch by itself.
        counts: How many batches each normalisation has seen, by key, which Keras does not keep; by
            default 0 for all.

    Returns:
        Float32 arrays by key, in PyTorch's layouts, and the counts.

    Raises:
        CheckpointError: If a layer has no name in the authors' code.
    """
    state = {}
    for weight in named_weights(network):
        state[weight.key] = weight.as_torch()
        if weight.key.endswith(VARIANCE):
            counter = weight.key.replace(VARIANCE, COUNTER)
            if counts is None or counter in counts:
                state[counter] = np.array((counts or {}).get(counter, 0), "<i8")
    return state


def save_state_dict(
    network: VideoNetwork, path: str | Path, counts: Mapping[str, int] | None = None
) -> None:
    """Writes a network's weights as a state_dict that PyTorch loads.

    Args:
        network: As `state_dict_of` takes it.
        path: The file; `.pth`, `.pt` or `.pth.tar` for PyTorch, which every version of it reads,
            or `.safetensors`.
        counts: As `state_dict_of` takes them.

    Raises:
        UserError: If the ending is none of these, or the network has no names in the authors' code.

    Example:
        >>> save_state_dict(model, "pan_lite.pth.tar")
        >>> torch.load("pan_lite.pth.tar", weights_only=True)["base_model.conv1.weight"].shape
        torch.Size([64, 6, 7, 7])
    """
    path = Path(path)
    if path.suffix not in (*TORCH, SAFETENSORS):
        raise UserError(f"{path}: end the name in {', '.join((*TORCH, SAFETENSORS))}")
    with described(path):
        state = state_dict_of(network, counts)
    with replacing(path) as temporary, temporary.open("wb") as file:
        (write_safetensors if path.suffix == SAFETENSORS else write_torch)(state, file)
