"""RAFT-small: flow by iterative updates with correlation lookups."""

from typing import Any

import keras
from keras import layers, ops

from pan_keras.backbones.arithmetic import he_normal
from pan_keras.flow.flow_core import FlowCore
from pan_keras.flow.upsampling import Upsampling
from pan_keras.layers import CorrelationLookup, CorrelationPyramid

EIGHTH = 8  # pixels per position
HIDDEN, CONTEXT = 96, 64  # channels of the hidden state and of the context


@keras.saving.register_keras_serializable(package="pan_keras")
class RAFTSmall(FlowCore):
    """RAFT-small: a recurrent unit that updates the flow at 1/8 of the resolution.

    Args:
        iterations: Number of updates; 12 for inference in the paper.
        dtype: Dtype policy of the layers.

    Input shape:
        `(B, H, W, 6)`, sides multiples of 8 and at least 64.

    Output shape:
        One flow per iteration, `(B, H / 8, W / 8, 2)` in units of 8 pixels, last iteration first.

    Raises:
        ValueError: If `iterations` is below 1.

    Example:
        >>> network = RAFTSmall(iterations=2)
        >>> [flow.shape for flow in network(keras.random.normal((1, 64, 96, 6)))]
        [(1, 8, 12, 2), (1, 8, 12, 2)]

    References:
        Teed, Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV 2020. The
        small model, 990,162 parameters.
    """

    multiple = 8
    normalisation = "unit"

    def __init__(self, iterations: int = 12, dtype: Any = None, **kwargs: Any):
        if iterations < 1:
            raise ValueError(f"iterations must be at least 1, got {iterations}")
        policy = keras.dtype_policies.get(dtype)
        maps = keras.Input((None, None, 6), name="maps")
        first, later = maps[..., :3], maps[..., 3:]
        features = _Encoder(128, True, policy, "feature_encoder")
        pyramid = CorrelationPyramid(4, dtype=policy, name="pyramid")(
            [features(first), features(later)]
        )
        context = _Encoder(HIDDEN + CONTEXT, False, policy, "context_encoder")(first)
        hidden = layers.Activation("tanh", dtype=policy, name="hidden")(context[..., :HIDDEN])
        known = layers.ReLU(dtype=policy, name="known")(context[..., HIDDEN:])
        # Flows are always accumulated in float32, since updates are small.
        flow = ops.cast(ops.zeros_like(context[..., :2]), "float32")
        look_up = CorrelationLookup(3, dtype=policy, name="lookup")
        update = _Update(policy)
        add = layers.Add(dtype="float32", name="corrected")
        flows: list[keras.KerasTensor] = []
        for _ in range(iterations):
            hidden, correction = update(hidden, known, look_up([flow, *pyramid]), flow)
            flow = add([flow, correction])
            flows.insert(0, flow)
        super().__init__(maps, flows, {"iterations": iterations}, policy, **kwargs)

    @classmethod
    def finish(
        cls, predictions: list[keras.KerasTensor], policy: keras.DTypePolicy
    ) -> keras.KerasTensor:
        flow = layers.Rescaling(EIGHTH, dtype=policy, name="pixels")(predictions[0])
        return Upsampling(EIGHTH, "aligned", dtype=policy, name="flow")(flow)


class _Encoder:
    """Convolutions to 1/8 of the resolution, which frames may share.

    Optionally with instance normalisation, which has no weights.
    """

    def __init__(self, channels: int, normalise: bool, policy: keras.DTypePolicy, name: str):
        self.normalise = normalise
        self.policy = policy
        frame = keras.Input((None, None, 3), name="frame")
        x = self._convolve(frame, 32, 7, 2, "conv1")
        for stage, (width, stride) in enumerate(((32, 1), (64, 2), (96, 2)), 1):
            x = self._block(x, width, stride, f"layer{stage}_0")
            x = self._block(x, width, 1, f"layer{stage}_1")
        x = _conv(channels, 1, policy, "conv2")(x)
        self.network = keras.Model(frame, x, name=name)

    def __call__(self, frame: keras.KerasTensor) -> keras.KerasTensor:
        return self.network(frame)

    def _block(self, x: keras.KerasTensor, width: int, stride: int, name: str) -> keras.KerasTensor:
        """A bottleneck block with an activation at the end of its branch."""
        y = self._convolve(x, width // 4, 1, 1, f"{name}_conv1")
        y = self._convolve(y, width // 4, 3, stride, f"{name}_conv2")
        y = self._convolve(y, width, 1, 1, f"{name}_conv3")
        if stride > 1:
            x = self._convolve(x, width, 1, stride, f"{name}_downsample", activate=False)
        x = layers.Add(dtype=self.policy, name=f"{name}_sum")([x, y])
        return layers.ReLU(dtype=self.policy, name=f"{name}_relu")(x)

    def _convolve(
        self,
        x: keras.KerasTensor,
        width: int,
        kernel: int,
        stride: int,
        name: str,
        activate: bool = True,
    ) -> keras.KerasTensor:
        if stride > 1 and kernel > 1:
            x = layers.ZeroPadding2D(kernel // 2, dtype=self.policy, name=f"{name}_pad")(x)
        x = _conv(width, kernel, self.policy, name, stride)(x)
        if self.normalise:
            x = layers.GroupNormalization(
                -1,
                epsilon=1e-5,
                center=False,
                scale=False,
                dtype=self.policy,
                name=f"{name}_norm",
            )(x)
        return layers.ReLU(dtype=self.policy, name=f"{name}_relu")(x) if activate else x


class _Update:
    """The recurrent unit, with the encoders of correlations and flow."""

    def __init__(self, policy: keras.DTypePolicy):
        self.policy = policy

        def conv(channels: int, kernel: int, name: str, activation: str | None) -> keras.Layer:
            return _conv(channels, kernel, policy, name, activation=activation)

        self.correlations = conv(96, 1, "corr_conv", "relu")
        self.flows = [conv(64, 7, "flow_conv1", "relu"), conv(32, 3, "flow_conv2", "relu")]
        self.motion = conv(80, 3, "motion_conv", "relu")
        self.update_gate = conv(HIDDEN, 3, "gru_update", "sigmoid")
        self.reset_gate = conv(HIDDEN, 3, "gru_reset", "sigmoid")
        self.candidate = conv(HIDDEN, 3, "gru_candidate", "tanh")
        self.head = [conv(128, 3, "head_conv1", "relu"), conv(2, 3, "head_conv2", None)]
        self.join = layers.Concatenate(dtype=policy, name="concat")

    def __call__(
        self,
        hidden: keras.KerasTensor,
        known: keras.KerasTensor,
        correlations: keras.KerasTensor,
        flow: keras.KerasTensor,
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        flow = ops.cast(flow, self.policy.compute_dtype)
        read = self.flows[1](self.flows[0](flow))
        motion = self.motion(self.join([self.correlations(correlations), read]))
        seen = self.join([known, motion, flow])
        both = self.join([hidden, seen])
        update, reset = self.update_gate(both), self.reset_gate(both)
        candidate = self.candidate(self.join([reset * hidden, seen]))
        hidden = (1 - update) * hidden + update * candidate
        return hidden, self.head[1](self.head[0](hidden))


def _conv(
    channels: int,
    kernel: int,
    policy: keras.DTypePolicy,
    name: str,
    stride: int = 1,
    activation: str | None = None,
) -> keras.Layer:
    return layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        activation=activation,
        kernel_initializer=he_normal("fan_out"),
        dtype=policy,
        name=name,
    )
