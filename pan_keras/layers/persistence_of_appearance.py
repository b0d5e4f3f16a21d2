"""Persistence of appearance (PA): the motion cue of the paper, from RGB frames alone."""

from typing import Any

import keras
from keras import ops
from keras.initializers import RandomNormal

DEPTHS = (0, 1, 2, 4, 8)
ENCODINGS = ("motion", "attention")


@keras.saving.register_keras_serializable(package="pan_keras")
class PersistenceOfAppearance(keras.layers.Layer):
    """Maps m adjacent frames to m - 1 maps of how much each pixel's surroundings changed.

    A basic convolution layer F turns each frame into low-level feature maps; PA is the distance
    of two adjacent frames' features at a pixel, the norm over the feature channels.

    With depth 1 it convolves the differences of frames, m - 1 convolutions instead of m. That is
    exact: F(I) = W * I + b is linear but for b, and padding with zeros commutes with subtraction,
    so F(I') - F(I) = (W * I' + b) - (W * I + b) = W * (I' - I), at the borders too. The bias
    cancels. It stays a weight, for its 1,184 parameters are the paper's and checkpoints hold it,
    and its gradient is zero. Deeper stacks use the same identity for their last layer.

    Frames are subtracted in float32 under every policy of half precision, and only their
    difference is cast: a difference of one grey level is smaller than what half precision rounds
    away from a bright frame. The layers below the last of a deeper stack compute in float32 too.

    Args:
        depth: Basic convolution layers, one of 0, 1, 2, 4, 8. With 0, PA is the distance of the
            frames themselves. The paper says only "sequentially stacked" of depth 2 and more;
            here a ReLU stands between layers and none after the last, so that depth 1 is linear
            as in the paper's released code and deeper ones do not fold into one convolution.
        channels: Feature maps of a basic layer.
        kernel_size: Height and width of its kernel, odd; resolution is kept.
        encoding: `"motion"` (e1) stacks the PA maps. `"attention"` (e2) stacks
            sigmoid(PA) times the channel mean of the feature map of the *earlier* frame of each
            pair: the paper has m feature maps for m - 1 PA maps and leaves open which is left out.
        epsilon: Added to each channel's difference, as the paper's released code does. Identical
            frames give sqrt(channels) * epsilon, and a finite gradient.
        stddev: Standard deviation of the normal distribution that the kernels are drawn from; by
            default that of He et al., sqrt(2 / fan-in). The paper's released code has 0.001.

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
        # Frames share the batch axis, then height and width share one: no tensor inside has more
        # than four axes, as delegates on phones require.
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
        """Norm over the channels of the features of a difference of maps."""
        if self.convolutions:
            kernel, bias = self.convolutions[-1]
            # Adds nothing, and gives the bias the gradient zero where it would have none.
            difference = self._convolve(difference, kernel + (bias - bias))
        # Squares of small differences are zero in float16, and the gradient of their root is not
        # a number.
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
        """Convolution in the layer's precision, which differences stand."""
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
    """Convolution of (B, H, W, C) maps that keeps their height and width."""
    return ops.conv(maps, kernel, padding="same", data_format="channels_last")
