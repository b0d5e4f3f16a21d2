"""The registry of flow networks."""

from collections.abc import Callable
from typing import Any

from pan_keras.backbones.registry import unknown
from pan_keras.flow.flow_core import FlowCore
from pan_keras.flow.flow_estimator import FlowEstimator
from pan_keras.flow.flownet2 import FlowNet2
from pan_keras.flow.flownet_c import FlowNetC
from pan_keras.flow.flownet_s import FlowNetS
from pan_keras.flow.raft_small import RAFTSmall

NETWORKS: dict[str, Callable[..., FlowCore]] = {
    "flownet_s": FlowNetS,
    "flownet_c": FlowNetC,
    "flownet2": FlowNet2,
    "raft_small": RAFTSmall,
}


def names() -> list[str]:
    """Names of all flow networks: those of the paper's Table II in its order, and RAFT.

    Returns:
        Names for `create`.

    Example:
        >>> names()
        ['flownet_s', 'flownet_c', 'flownet2', 'raft_small']
    """
    return list(NETWORKS)


def create(
    name: str,
    size: int | tuple[int, int] | None = None,
    dtype: Any = None,
    **options: Any,
) -> FlowEstimator:
    """Creates a flow network with random weights; the package includes no pretrained ones.

    Cost and speed do not depend on the weights.

    Args:
        name: One of `names()`.
        size: Height and width of the frames, or one number for a square; None for any size.
        dtype: Dtype policy of the layers, such as `"mixed_bfloat16"`.
        options: Options of the network: `width` of the FlowNets, `iterations` of RAFT.

    Returns:
        A model from pairs of frames `(B, 2, H, W, 3)` in 0..255 to flows `(B, H, W, 2)` in pixels.

    Raises:
        ValueError: If there is no such network; the message suggests the nearest name.

    Example:
        >>> network = create("raft_small", size=(72, 96), iterations=2)
        >>> network.output_shape, network.count_params()
        ((None, 72, 96, 2), 990162)
    """
    if name not in NETWORKS:
        raise unknown("flow network", name, names())
    core = NETWORKS[name](dtype=dtype, name=name, **options)
    return FlowEstimator(core, size, name=f"{name}_flow")
