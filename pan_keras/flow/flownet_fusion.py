"""The fusion network of FlowNet2, which combines two flows."""

from typing import Any

import keras

from pan_keras.flow.blocks import Blocks
from pan_keras.flow.flow_core import FlowCore


@keras.saving.register_keras_serializable(package="pan_keras")
class FlowNetFusion(FlowCore):
    """Fuses a flow for large and one for small displacements at full resolution.

    Args:
        width: Factor of all channels except those of flows, for small experiments.
        dtype: Dtype policy of the layers.

    Input shape:
        `(B, H, W, 11)`, sides multiples of 4: a frame, the two flows, their magnitudes, and the
        brightness errors after warping by each.

    Output shape:
        Three flows `(B, H / s, W / s, 2)` with s of 1, 2, 4, in pixels.

    Example:
        >>> network = FlowNetFusion(width=0.25)
        >>> [flow.shape[1] for flow in network(keras.random.normal((1, 64, 64, 11)))]
        [64, 32, 16]

    References:
        Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation with Deep Networks", CVPR
        2017, Sec. 5 and the supplement.
    """

    multiple = least = 4

    def __init__(self, width: float = 1.0, dtype: Any = None, **kwargs: Any):
        policy = keras.dtype_policies.get(dtype)
        blocks = Blocks(policy, width)
        maps = keras.Input((None, None, 11), name="maps")
        zeroth = blocks.convolution(64, "conv0")(maps)
        x = blocks.convolution(64, "conv1", stride=2)(zeroth)
        first = blocks.convolution(128, "conv1_1")(x)
        x = blocks.convolution(128, "conv2", stride=2)(first)
        second = blocks.convolution(128, "conv2_1")(x)
        predictions = blocks.refine(second, {1: (first, 32), 0: (zeroth, 16)}, smooth=True)
        super().__init__(maps, predictions, {"width": width}, policy, **kwargs)

    @classmethod
    def finish(
        cls, predictions: list[keras.KerasTensor], policy: keras.DTypePolicy
    ) -> keras.KerasTensor:
        del policy
        return predictions[0]
