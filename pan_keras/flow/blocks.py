"""Building blocks of the FlowNet family."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import keras
from keras import layers

from pan_keras.backbones.arithmetic import he_normal

SLOPE = 0.1  # negative slope of the activations
PIXELS = 20.0  # pixels per unit of the predictions

Function = Callable[[keras.KerasTensor], keras.KerasTensor]


@dataclass(frozen=True)
class Blocks:
    """Creates layers of one dtype policy and width.

    Args:
        policy: Dtype policy of the layers.
        width: Factor of all channels except those of flows.
    """

    policy: keras.DTypePolicy
    width: float = 1.0

    def channels(self, published: int) -> int:
        """Scales a published number of channels."""
        return max(1, round(published * self.width))

    def convolution(
        self, channels: int, name: str, *, kernel: int = 3, stride: int = 1, activate: bool = True
    ) -> Function:
        """A convolution with bias and PyTorch's padding, and leaky ReLU.

        Args:
            channels: Published number of channels.
            name: Name of the convolution.
            kernel: Side of the kernel.
            stride: Stride.
            activate: Whether to apply the leaky ReLU.

        Returns:
            A function of maps, which may be shared by two frames.
        """
        chain: list[keras.Layer] = [
            layers.Conv2D(
                self.channels(channels),
                kernel,
                strides=stride,
                padding="same" if stride == 1 else "valid",
                kernel_initializer=he_normal("fan_in"),
                dtype=self.policy,
                name=name,
            )
        ]
        if stride > 1:  # "same" pads differently with a stride
            padding = layers.ZeroPadding2D(kernel // 2, dtype=self.policy, name=f"{name}_pad")
            chain.insert(0, padding)
        if activate:
            chain.append(self.activation(name))
        return lambda x: reduce(lambda maps, layer: layer(maps), chain, x)

    def enlarge(
        self, x: keras.KerasTensor, channels: int, name: str, *, bias: bool = True
    ) -> keras.KerasTensor:
        """A transposed convolution to twice the resolution; `channels` is not scaled."""
        return layers.Conv2DTranspose(
            channels,
            4,
            strides=2,
            padding="same",
            use_bias=bias,
            kernel_initializer=he_normal("fan_in"),
            dtype=self.policy,
            name=name,
        )(x)

    def activation(self, name: str) -> keras.Layer:
        """Leaky ReLU."""
        return layers.LeakyReLU(SLOPE, dtype=self.policy, name=f"{name}_relu")

    def predict(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Predicts a flow by a convolution."""
        return layers.Conv2D(2, 3, padding="same", dtype=self.policy, name=name)(x)

    def concatenate(self, parts: Sequence[keras.KerasTensor], name: str) -> keras.KerasTensor:
        """Concatenates maps along the channels."""
        return layers.Concatenate(dtype=self.policy, name=name)(parts)

    def pixels(self, prediction: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Converts a prediction to a flow in pixels."""
        return layers.Rescaling(PIXELS, dtype=self.policy, name=name)(prediction)

    def contract(self, x: keras.KerasTensor) -> dict[int, keras.KerasTensor]:
        """Contracts maps from 1/8 to 1/64 of the resolution.

        Returns:
            Maps of levels 4, 5 and 6; a level has the sides of the frames divided by `2**level`.
        """
        levels = {}
        for level, channels in ((4, 512), (5, 512), (6, 1024)):
            x = self.convolution(channels, f"conv{level}", stride=2)(x)
            levels[level] = x = self.convolution(channels, f"conv{level}_1")(x)
        return levels

    def refine(
        self,
        coarsest: keras.KerasTensor,
        finer: Mapping[int, tuple[keras.KerasTensor, int]],
        *,
        bias: bool = True,
        smooth: bool = False,
    ) -> list[keras.KerasTensor]:
        """Refines from coarse to fine; each level gets its maps, and features and flow from below.

        Args:
            coarsest: Maps of the coarsest level.
            finer: By level, coarse to fine: maps of the contracting part, and the published
                channels of the features from below.
            bias: Whether upsampling of flows has a bias.
            smooth: Whether there is a convolution before each prediction except the coarsest.

        Returns:
            Flows, finest first.
        """
        below = max(finer) + 1
        x = coarsest
        flows = [self.predict(x, f"predict_flow{below}")]
        for level, (maps, published) in finer.items():
            name = f"upsampled_flow{below}_to_{level}"
            flow = self.enlarge(flows[0], 2, name, bias=bias)
            features = self.enlarge(x, self.channels(published), f"deconv{level}")
            features = self.activation(f"deconv{level}")(features)
            x = self.concatenate([maps, features, flow], f"concat{level}")
            seen = x
            if smooth:
                name = f"inter_conv{level}"
                seen = self.convolution(published, name, activate=False)(x)
            flows.insert(0, self.predict(seen, f"predict_flow{level}"))
            below = level
        return flows
