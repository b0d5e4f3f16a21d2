"""Persistence of appearance (PA) of raw frames, in few operations that are fast on phones."""

from typing import Any

import keras
import numpy as np
from keras import ops

from pan_keras.backbones.input_normalisation import InputNormalisation
from pan_keras.layers import PersistenceOfAppearance


def persistence_of_appearance(
    layer: PersistenceOfAppearance,
    changes: Any,
    normalisation: InputNormalisation,
    *,
    paired: bool,
    prefix: str = "",
    suffix: str = "",
) -> Any:
    """Computes PA from differences of raw frames, equal to the trained layer's except for rounding.

    Args:
        layer: The trained layer.
        changes: `(N, m - 1, H, W * 3)`, earlier minus later frame, RGB in 0..255.
        normalisation: Normalisation of the training frames, which is folded into the kernel.
        paired: Whether the convolution reads two adjacent pixels as one of six channels. For int8
            kernels, which read eight channels at a time, this saves a third of the time; in float
            it costs a tenth more.
        prefix: Prefix of the names of the new layers.
        suffix: Suffix of the same names.

    Returns:
        `(N, H, W, m - 1)`.

    Raises:
        ValueError: If the layer's depth is not 1 or its encoding is not `"motion"`.
    """
    if layer.depth != 1 or layer.encoding != "motion":
        raise ValueError(
            f"{layer.name}: PA of depth {layer.depth} and encoding {layer.encoding!r} cannot be "
            "exported; train with depth 1 and encoding 'motion' to export"
        )
    _, pairs, height, width = changes.shape
    block = 2 if height % 2 == width // 3 % 2 == 0 else 1
    kernel = layer.convolutions[0][0]
    convolution = BlockConvolution(
        kernel.shape[-1],
        kernel.shape[0],
        block=block,
        paired=paired and block == 2,
        offset=layer.epsilon,
        dtype="float32",
        name=f"{prefix}pa_features{suffix}",
    )
    features = convolution(changes)
    convolution.set_weights([_for_bytes(kernel, normalisation)])
    norm = MotionNorm(block * block, dtype="float32", name=f"{prefix}pa_norm{suffix}")
    layout = PixelLayout(pairs, block, dtype="float32", name=f"{prefix}pa_layout{suffix}")
    return layout(norm(features))


def _for_bytes(kernel: keras.Variable, normalisation: InputNormalisation) -> np.ndarray:
    """Converts a kernel for normalised frames to one for differences of RGB bytes."""
    values = ops.convert_to_numpy(kernel).astype("float64")
    if normalisation.is_reversed:
        values = values[:, :, ::-1]
    return values * np.reshape(normalisation.multiplier, (-1, 1))


@keras.saving.register_keras_serializable(package="pan_keras")
class BlockConvolution(keras.layers.Layer):
    """The convolution of PA on blocks of pixels instead of single pixels.

    The convolution has the stride of a block and, for each pixel of the block, a copy of the kernel
    shifted to that pixel, so that each position yields the features of all pixels of the block.
    With 2x2 blocks this is a third more arithmetic on a quarter of the positions, and twice as
    fast: 8 output channels leave most SIMD lanes idle, and 32 do not.

    The weight is the original kernel. The graph makes the copies, which converters fold into a
    constant and which therefore remain copies of one kernel when the graph is trained.

    Args:
        filters: Feature channels per pixel, F.
        kernel_size: Height and width of the kernel.
        block: Height and width of a block, b. H and W must be multiples of it.
        paired: Whether two adjacent pixels are read as one of six channels; needs b = 2.
        offset: Added to each feature. PA adds it inside its norm, so that the square root has a
            gradient where frames repeat.

    Input shape:
        `(N, m - 1, H, W * 3)`.

    Output shape:
        `(N * (m - 1), H / b, W / b, b * b * F)`, with the pixels of a block in row-major order.

    Example:
        >>> BlockConvolution(8, 7, block=2)(np.ones((8, 3, 56, 56 * 3))).shape
        (24, 28, 28, 32)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        block: int = 1,
        paired: bool = False,
        offset: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.block = block
        self.paired = paired
        self.offset = offset

    def build(self, _input_shape: Any) -> None:
        shape = (self.kernel_size, self.kernel_size, 3, self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="he_normal", name="kernel")

    def call(self, changes: Any) -> Any:
        _, _, height, width = changes.shape
        joined = 2 if self.paired else 1
        kernel = in_blocks(self.kernel, self.block)
        features = ops.conv(
            ops.reshape(changes, (-1, height, width // (3 * joined), 3 * joined)),
            in_pairs(kernel) if self.paired else kernel,
            strides=(self.block, self.block // joined),
            padding="same",
        )
        offset = ops.full((features.shape[-1],), self.offset, features.dtype)
        return ops.add(features, offset)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        segments, pairs, height, width = input_shape
        rows = None if segments is None else segments * pairs
        block = self.block
        return (rows, height // block, width // 3 // block, block * block * self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "block": self.block,
            "paired": self.paired,
            "offset": self.offset,
        }


@keras.saving.register_keras_serializable(package="pan_keras")
class MotionNorm(keras.layers.Layer):
    """Computes the Euclidean norm of each group of adjacent channels.

    A convolution with a constant kernel sums the squares, which is faster than a reduction.

    Args:
        groups: Number of groups, G.

    Input shape:
        `(B, H, W, G * F)`.

    Output shape:
        `(B, H, W, G)`.

    Example:
        >>> MotionNorm(groups=4)(np.ones((24, 28, 28, 32))).shape
        (24, 28, 28, 4)
    """

    def __init__(self, groups: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.groups = groups

    def call(self, features: Any) -> Any:
        members = features.shape[-1] // self.groups
        ones = np.kron(np.eye(self.groups), np.ones((members, 1)))[None, None]
        squares = ops.multiply(features, features)
        return ops.sqrt(ops.conv(squares, ops.cast(ones, features.dtype)))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.groups)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable(package="pan_keras")
class PixelLayout(keras.layers.Layer):
    """Rearranges values from blocks of pixels to maps, with pairs of frames as the last axis.

    Args:
        pairs: Pairs of adjacent frames in a stack, m - 1.
        block: Height and width of a block, b.

    Input shape:
        `(N * (m - 1), H / b, W / b, b * b)`.

    Output shape:
        `(N, H, W, m - 1)`.

    Example:
        >>> PixelLayout(pairs=3, block=2)(np.ones((24, 28, 28, 4))).shape
        (8, 56, 56, 3)
    """

    def __init__(self, pairs: int, block: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.pairs = pairs
        self.block = block

    def call(self, values: Any) -> Any:
        _, height, width, pixels = values.shape
        stacked = ops.reshape(values, (-1, self.pairs, height * width, pixels))
        # depth_to_space expects the pixels of a block before the pairs.
        stacked = ops.transpose(stacked, (0, 2, 3, 1))
        maps = ops.reshape(stacked, (-1, height, width, pixels * self.pairs))
        return spread_blocks(maps, self.block)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        rows, height, width, _ = input_shape
        segments = None if rows is None else rows // self.pairs
        return (segments, height * self.block, width * self.block, self.pairs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pairs": self.pairs, "block": self.block}


def in_blocks(kernel: Any, block: int) -> Any:
    """Shifts a kernel `(k, k, C, F)` to each pixel of a block.

    Returns:
        `(k + b - 1, k + b - 1, C, b * b * F)`.
    """
    if block == 1:
        return ops.convert_to_tensor(kernel)
    last = block - 1
    shifted = [
        ops.pad(kernel, ((row, last - row), (column, last - column), (0, 0), (0, 0)))
        for row in range(block)
        for column in range(block)
    ]
    return ops.concatenate(shifted, axis=-1)


def in_pairs(kernel: Any) -> Any:
    """Converts a kernel over pixels `(h, w, C, F)`, w even, to one over pairs `(h, p, 2 * C, F)`.

    Padding keeps it centred: the pixels left of the centre must form whole pairs.
    """
    height, width, channels, features = kernel.shape
    margin = (width // 2 - 1) % 2
    wide = ops.pad(kernel, ((0, 0), (margin, margin), (0, 0), (0, 0)))
    return ops.reshape(wide, (height, -1, 2 * channels, features))


def spread_blocks(maps: Any, block: int) -> Any:
    """Rearranges blocks `(N, h, w, b * b * C)` to pixels `(N, h * b, w * b, C)`."""
    if block == 1:
        return maps
    if hasattr(ops, "depth_to_space"):
        return ops.depth_to_space(maps, block)
    # For versions of Keras without it; tensors stay at four axes, as devices require.
    _, height, width, channels = maps.shape
    rows = ops.reshape(maps, (-1, width, block, channels // block))
    rows = ops.transpose(rows, (0, 2, 1, 3))
    return ops.reshape(rows, (-1, height * block, width * block, channels // block**2))
