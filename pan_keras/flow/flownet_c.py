"""FlowNetC: flow from the correlation of the features of two frames."""

from typing import Any

import keras

from pan_keras.flow.blocks import Blocks
from pan_keras.flow.flow_core import FlowCore
from pan_keras.flow.flownet_s import FlowNetS
from pan_keras.layers import Correlation


@keras.saving.register_keras_serializable(package="pan_keras")
class FlowNetC(FlowCore):
    """FlowNetCorr: shared convolutions for both frames, followed by their correlation.

    Args:
        width: Factor of all channels except those of flows and of the correlation, for small
            experiments.
        dtype: Dtype policy of the layers.

    Input shape:
        `(B, H, W, 6)`, sides multiples of 64.

    Output shape:
        Five flows `(B, H / s, W / s, 2)` with s of 4, 8, 16, 32, 64, in units of 20 pixels.

    Example:
        >>> network = FlowNetC(width=0.125)
        >>> [flow.shape[1] for flow in network(keras.random.normal((1, 64, 64, 6)))]
        [16, 8, 4, 2, 1]

    References:
        Dosovitskiy et al., "FlowNet: Learning Optical Flow with Convolutional Networks", ICCV
        2015, Fig. 2, with the convolutions that FlowNet 2.0 uses. 39.2 M parameters.
        PAN paper, Table II.
    """

    def __init__(self, width: float = 1.0, dtype: Any = None, **kwargs: Any):
        policy = keras.dtype_policies.get(dtype)
        blocks = Blocks(policy, width)
        maps = keras.Input((None, None, 6), name="maps")
        conv1 = blocks.convolution(64, "conv1", kernel=7, stride=2)
        conv2 = blocks.convolution(128, "conv2", kernel=5, stride=2)
        conv3 = blocks.convolution(256, "conv3", kernel=5, stride=2)
        second = conv2(conv1(maps[..., :3]))
        first_maps, later_maps = conv3(second), conv3(conv2(conv1(maps[..., 3:])))
        alike = Correlation(20, 2, dtype=policy, name="corr")([first_maps, later_maps])
        alike = blocks.activation("corr")(alike)
        kept = blocks.convolution(32, "conv_redir", kernel=1)(first_maps)
        x = blocks.concatenate([kept, alike], "concat_corr")
        third = blocks.convolution(256, "conv3_1")(x)
        levels = blocks.contract(third)
        predictions = blocks.refine(
            levels[6],
            {5: (levels[5], 512), 4: (levels[4], 256), 3: (third, 128), 2: (second, 64)},
        )
        super().__init__(maps, predictions, {"width": width}, policy, **kwargs)

    @classmethod
    def finish(
        cls, predictions: list[keras.KerasTensor], policy: keras.DTypePolicy
    ) -> keras.KerasTensor:
        return FlowNetS.finish(predictions, policy)
