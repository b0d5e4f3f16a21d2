"""FlowNetS: flow by plain convolutions on the concatenated frames."""

from typing import Any

import keras

from pan_keras.flow.blocks import Blocks
from pan_keras.flow.flow_core import FlowCore
from pan_keras.flow.upsampling import Upsampling


@keras.saving.register_keras_serializable(package="pan_keras")
class FlowNetS(FlowCore):
    """FlowNetSimple: a contracting and a refining part on the concatenated frames.

    Args:
        channels: Input channels; 6 for two frames, 12 as a stage of FlowNet2.
        width: Factor of all channels except those of flows, for small experiments.
        dtype: Dtype policy of the layers.

    Input shape:
        `(B, H, W, channels)`, sides multiples of 64.

    Output shape:
        Five flows `(B, H / s, W / s, 2)` with s of 4, 8, 16, 32, 64, in units of 20 pixels.

    Example:
        >>> network = FlowNetS(width=0.125)
        >>> [flow.shape[1] for flow in network(keras.random.normal((1, 64, 64, 6)))]
        [16, 8, 4, 2, 1]

    References:
        Dosovitskiy et al., "FlowNet: Learning Optical Flow with Convolutional Networks", ICCV
        2015, Fig. 2, with the two convolutions that FlowNet 2.0 uses. 38.7 M parameters.
        PAN paper, Table II.
    """

    def __init__(self, channels: int = 6, width: float = 1.0, dtype: Any = None, **kwargs: Any):
        policy = keras.dtype_policies.get(dtype)
        blocks = Blocks(policy, width)
        maps = keras.Input((None, None, channels), name="maps")
        x = blocks.convolution(64, "conv1", kernel=7, stride=2)(maps)
        second = blocks.convolution(128, "conv2", kernel=5, stride=2)(x)
        x = blocks.convolution(256, "conv3", kernel=5, stride=2)(second)
        third = blocks.convolution(256, "conv3_1")(x)
        levels = blocks.contract(third)
        predictions = blocks.refine(
            levels[6],
            {5: (levels[5], 512), 4: (levels[4], 256), 3: (third, 128), 2: (second, 64)},
            bias=False,
        )
        configuration = {"channels": channels, "width": width}
        super().__init__(maps, predictions, configuration, policy, **kwargs)

    @classmethod
    def finish(
        cls, predictions: list[keras.KerasTensor], policy: keras.DTypePolicy
    ) -> keras.KerasTensor:
        flow = Blocks(policy).pixels(predictions[0], "pixels")
        return Upsampling(4, dtype=policy, name="flow")(flow)
