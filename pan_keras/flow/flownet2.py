"""FlowNet2: a stack of FlowNetC and two FlowNetS, FlowNetSD in parallel, and their fusion."""

from typing import Any

import keras
from keras import layers

from pan_keras.flow.blocks import PIXELS, Blocks
from pan_keras.flow.flow_core import FlowCore
from pan_keras.flow.flownet_c import FlowNetC
from pan_keras.flow.flownet_fusion import FlowNetFusion
from pan_keras.flow.flownet_s import FlowNetS
from pan_keras.flow.flownet_sd import FlowNetSD
from pan_keras.flow.upsampling import Upsampling
from pan_keras.layers import ChannelNorm, Warping


@keras.saving.register_keras_serializable(package="pan_keras")
class FlowNet2(FlowCore):
    """FlowNet2: stacked networks, fused with a network for small displacements.

    Each stage after the first gets the frames, the flow so far, the later frame warped by it, and
    the brightness error. The fusion gets the flows of the stack and of FlowNetSD with their
    magnitudes and brightness errors.

    Args:
        width: Factor of all channels except those of flows and of the correlation, for small
            experiments.
        dtype: Dtype policy of the layers.

    Input shape:
        `(B, H, W, 6)`, sides multiples of 64.

    Output shape:
        The three flows of the fusion, `(B, H / s, W / s, 2)` with s of 1, 2, 4, in pixels.

    Example:
        >>> network = FlowNet2(width=0.125)
        >>> [flow.shape[1] for flow in network(keras.random.normal((1, 64, 64, 6)))]
        [64, 32, 16]

    References:
        Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation with Deep Networks", CVPR
        2017, Fig. 2. 162.5 M parameters.
        PAN paper, Table II.
    """

    def __init__(self, width: float = 1.0, dtype: Any = None, **kwargs: Any):
        policy = keras.dtype_policies.get(dtype)
        blocks = Blocks(policy, width)
        maps = keras.Input((None, None, 6), name="maps")
        first, later = maps[..., :3], maps[..., 3:]

        def explained(flow: keras.KerasTensor, name: str) -> tuple[Any, Any]:
            """The later frame warped by a flow in pixels, and the brightness error."""
            warped = Warping(dtype=policy, name=f"{name}_warped")([later, flow])
            missing = layers.Subtract(dtype=policy, name=f"{name}_missing")([first, warped])
            return warped, ChannelNorm(dtype=policy, name=f"{name}_error")(missing)

        name, seen = "flownet_c", maps
        stage: FlowCore = FlowNetC(width, dtype=policy, name=name)
        for following in ("flownet_s1", "flownet_s2"):
            enlarge = Upsampling(4, dtype=policy, name=f"{name}_prediction")
            prediction = enlarge(stage(seen)[0])
            warped, error = explained(blocks.pixels(prediction, f"{name}_flow"), name)
            seen = blocks.concatenate([maps, warped, prediction, error], f"{following}_input")
            name, stage = following, FlowNetS(12, width, dtype=policy, name=following)
        large = blocks.pixels(stage(seen)[0], f"{name}_flow")
        small = FlowNetSD(width, dtype=policy, name="flownet_sd")(maps)[0]
        # This stage predicts in other units: pixels times 20.
        small = layers.Rescaling(1 / PIXELS, dtype=policy, name="flownet_sd_flow")(small)
        flows, lengths, errors = [], [], []
        for flow, source in ((small, "flownet_sd"), (large, "flownet_s2")):
            enlarge = Upsampling(4, "nearest", dtype=policy, name=f"{source}_pixels")
            flows.append(enlarge(flow))
            lengths.append(ChannelNorm(dtype=policy, name=f"{source}_length")(flows[-1]))
            errors.append(explained(flows[-1], source)[1])
        seen = blocks.concatenate([first, *flows, *lengths, *errors], "fusion_input")
        predictions = FlowNetFusion(width, dtype=policy, name="fusion")(seen)
        super().__init__(maps, predictions, {"width": width}, policy, **kwargs)

    @classmethod
    def finish(
        cls, predictions: list[keras.KerasTensor], policy: keras.DTypePolicy
    ) -> keras.KerasTensor:
        return FlowNetFusion.finish(predictions, policy)
