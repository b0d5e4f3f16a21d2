"""Persistence of appearance (PA), the paper's motion cue, computed from RGB frames only."""

from typing import Any

import keras
from keras import ops
from keras.initializers import RandomNormal

DEPTHS = (0, 1, 2, 4, 8)
ENCODINGS = ("motion", "attention")


@keras.saving.register_keras_serializable(package="pan_keras")
class PersistenceOfAppearance(keras.layers.Layer):
    """Maps m adjacent frames to m - 1 maps of local change.

    A basic convolution layer F computes low-level feature maps of each frame. PA is the Euclidean
    distance, over the channels, between the features of two adjacent frames at each pixel.

    With depth 1 the layer convolves the differences of frames, m - 1 convolutions instead of m.
    This is exact: F(I) = W * I + b is affine and zero padding commutes with subtraction, so F(I') -
    F(I) = (W * I' + b) - (W * I + b) = W * (I' - I), also at the borders. The bias cancels. It
    remains a weight with zero gradient, because the paper's 1,184 parameters and checkpoints
    include it. Deeper stacks use the same identity for their last layer.

    Under half-precision policies frames are subtracted in float32 and only their difference is
    cast, because half precision cannot resolve a difference of one grey level in bright frames. In
    deeper stacks all layers before the last also compute in float32.

    Args:
        depth: Basic convolution layers, one of 0, 1, 2, 4, 8. With 0, PA is the distance of the
            frames themselves. For depth 2 and more the paper only says "sequentially stacked"; here
            there is a ReLU between layers and none after the last, so that depth 1 is linear as in
            the paper's released code and deeper stacks do not collapse into one convolution.
        channels: Feature maps of a basic layer.
        kernel_size: Height and width of its kernel, odd; resolution is kept.
        encoding: `"motion"` (e1) stacks the PA maps. `"attention"` (e2) stacks
            sigmoid(PA) times the channel mean of the feature map of the *earlier* frame of each
            pair: the paper has m feature maps for m - 1 PA maps and leaves open which is left out.
        epsilon: Added to each channel's difference, as in the paper's released code. Identical
            frames give sqrt(channels) * epsilon and a finite gradient.
        stddev: Standard deviation of the normal initialisation of the kernels; by default that of
            He et al., sqrt(2 / fan-in). The paper's released code uses 0.001.

    Input shape:
        `(B, m, H, W, C)`: m >= 2 adjacent frames. Any real unit; in PAN, normalised RGB.

    Output shape:
        `(B, H, W, m - 1)`, chronological; the unit of the features, never negative under
        `"motion"`.

    Raises:
        ValueError: If an argument is outside the values above, or the input has fewer than two
            frames.

    Example:
        >>> frames = keras.random.uniform((2, 4, 112, 112, 3))
        >>> PersistenceOfAppearance()(frames).shape
        (2, 112, 112, 3)

    References:
        PAN paper, Sec. III-A and III-B (Eq. 4, 5), Sec. III-C (Eq. 6, 7).
    """

    def __init__(
        self,
        depth: int = 1,
        channels: int = 8,
        kernel_size: int = 7,
        encoding: str = "motion",
        epsilon: float = 1e-6,
        stddev: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)
        if depth not in DEPTHS:
            raise ValueError(f"depth must be one of {DEPTHS}, got {depth}")
        if encoding not in ENCODINGS:
            raise ValueError(f"encoding must be one of {ENCODINGS}, got {encoding!r}")
        if channels < 1:
            raise ValueError(f"channels must be at least 1, got {channels}")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        self.depth = depth
        self.channels = channels
        self.kernel_size = kernel_size
        self.encoding = encoding
        self.epsilon = epsilon
        self.stddev = stddev

    def build(self, input_shape: tuple[Any, ...]) -> None:
        self._check_frames(input_shape)
        self.convolutions = []
        channels = input_shape[-1]
        for index in range(self.depth):
            suffix = "" if self.depth == 1 else f"_{index}"
            kernel = self.add_weight(
                shape=(self.kernel_size, self.kernel_size, channels, self.channels),
                initializer="he_normal" if self.stddev is None else RandomNormal(0.0, self.stddev),
                autocast=False,
                name=f"kernel{suffix}",
            )
            bias = self.add_weight(
                shape=(self.channels,), initializer="zeros", autocast=False, name=f"bias{suffix}"
            )
            self.convolutions.append((kernel, bias))
            channels = self.channels

    def call(self, frames: keras.KerasTensor) -> keras.KerasTensor:
        frames = ops.cast(frames, keras.backend.result_type(self.compute_dtype, "float32"))
        _, count, height, width, channels = ops.shape(frames)
        # Frames are merged into the batch axis, then height and width into one, so that no tensor
        # has more than four axes, as mobile delegates require.
        maps = ops.reshape(frames, (-1, height, width, channels))
        for kernel, bias in self.convolutions[:-1]:
            maps = ops.relu(convolve(maps, kernel) + bias)
        channels = maps.shape[-1]
        maps = ops.reshape(maps, (-1, count, height * width, channels))
        earlier, later = maps[:, :-1], maps[:, 1:]
        distance = self._distance(ops.reshape(earlier - later, (-1, height, width, channels)))
        if self.encoding == "attention":
            mean = self._mean_feature(ops.reshape(earlier, (-1, height, width, channels)))
            distance = ops.sigmoid(distance) * mean
        stacked = ops.reshape(distance, (-1, count - 1, height, width))
        return ops.transpose(stacked, (0, 2, 3, 1))

    def _distance(self, difference: keras.KerasTensor) -> keras.KerasTensor:
        """Norm over the channels of the features of a difference."""
        if self.convolutions:
            kernel, bias = self.convolutions[-1]
            # Adds zero, so that the bias has a gradient of zero instead of none.
            difference = self._convolve(difference, kernel + (bias - bias))
        # Squares of small differences underflow in float16, and the gradient of their root is NaN.
        wide = keras.backend.result_type(difference.dtype, "float32")
        shifted = ops.cast(difference, wide) + self.epsilon
        norm = ops.sqrt(ops.sum(ops.square(shifted), axis=-1))
        return ops.cast(norm, self.compute_dtype)

    def _mean_feature(self, maps: keras.KerasTensor) -> keras.KerasTensor:
        """Channel mean of the features of maps."""
        if self.convolutions:
            kernel, bias = self.convolutions[-1]
            maps = self._convolve(maps, kernel) + ops.cast(bias, self.compute_dtype)
        return ops.cast(ops.mean(maps, axis=-1), self.compute_dtype)

    def _convolve(self, maps: keras.KerasTensor, kernel: keras.KerasTensor) -> keras.KerasTensor:
        """Convolves in the layer's precision, which is sufficient for differences."""
        return convolve(ops.cast(maps, self.compute_dtype), ops.cast(kernel, self.compute_dtype))

    def _check_frames(self, shape: tuple[Any, ...]) -> None:
        if len(shape) != 5:
            raise ValueError(
                f"{self.name}: expected frames (B, m, H, W, C), got the shape {tuple(shape)}"
            )
        if shape[1] is None or shape[1] < 2:
            raise ValueError(
                f"{self.name}: PA compares adjacent frames and needs m of at least 2, got "
                f"{shape[1]}; use a longer stack"
            )

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        self._check_frames(input_shape)
        batch, count, height, width, _ = input_shape
        return (batch, height, width, count - 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth": self.depth,
            "channels": self.channels,
            "kernel_size": self.kernel_size,
            "encoding": self.encoding,
            "epsilon": self.epsilon,
            "stddev": self.stddev,
        }


def convolve(maps: keras.KerasTensor, kernel: keras.KerasTensor) -> keras.KerasTensor:
    """Convolves (B, H, W, C) maps, keeping height and width."""
    return ops.conv(maps, kernel, padding="same", data_format="channels_last")
