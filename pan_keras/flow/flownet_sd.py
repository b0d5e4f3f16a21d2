"""FlowNetSD: the network of FlowNet2 for small displacements."""

from typing import Any

import keras

from pan_keras.flow.blocks import Blocks
from pan_keras.flow.flow_core import FlowCore
from pan_keras.flow.flownet_s import FlowNetS


@keras.saving.register_keras_serializable(package="pan_keras")
class FlowNetSD(FlowCore):
    """FlowNetS for small displacements: 3x3 kernels only, no stride in the first layer.

    Args:
        width: Factor of all channels except those of flows, for small experiments.
        dtype: Dtype policy of the layers.

    Input shape:
        `(B, H, W, 6)`, sides multiples of 64.

    Output shape:
        Five flows `(B, H / s, W / s, 2)` with s of 4, 8, 16, 32, 64.

    Example:
        >>> network = FlowNetSD(width=0.125)
        >>> [flow.shape[1] for flow in network(keras.random.normal((1, 64, 64, 6)))]
        [16, 8, 4, 2, 1]

    References:
        Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation with Deep Networks", CVPR
        2017, Sec. 5 and the supplement.
    """

    def __init__(self, width: float = 1.0, dtype: Any = None, **kwargs: Any):
        policy = keras.dtype_policies.get(dtype)
        blocks = Blocks(policy, width)
        maps = keras.Input((None, None, 6), name="maps")
        x = blocks.convolution(64, "conv0")(maps)
        x = blocks.convolution(64, "conv1", stride=2)(x)
        x = blocks.convolution(128, "conv1_1")(x)
        x = blocks.convolution(128, "conv2", stride=2)(x)
        second = blocks.convolution(128, "conv2_1")(x)
        x = blocks.convolution(256, "conv3", stride=2)(second)
        third = blocks.convolution(256, "conv3_1")(x)
        levels = blocks.contract(third)
        predictions = blocks.refine(
            levels[6],
            {5: (levels[5], 512), 4: (levels[4], 256), 3: (third, 128), 2: (second, 64)},
            smooth=True,
        )
        super().__init__(maps, predictions, {"width": width}, policy, **kwargs)

    @classmethod
    def finish(
        cls, predictions: list[keras.KerasTensor], policy: keras.DTypePolicy
    ) -> keras.KerasTensor:
        return FlowNetS.finish(predictions, policy)
