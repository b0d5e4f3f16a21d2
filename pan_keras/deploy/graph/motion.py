"""Persistence of appearance (PA) of raw frames, as few and fast operations as a phone can have."""

import numpy as np
import tensorflow as tf

from pan_keras.deploy.graph.backbone import constant
from pan_keras.layers import PersistenceOfAppearance


def differences(stacks: tf.Tensor) -> tf.Tensor:
    """What changes from each frame to the next.

    One convolution with the kernel (1, -1) along time: slices and a subtraction would copy the
    frames twice more.

    Args:
        stacks: `(N, m, H, W * 3)`, raw frames as float.

    Returns:
        Earlier minus later, `(N, m - 1, H, W * 3)`.
    """
    with tf.name_scope("pa_differences"):
        kernel = np.ones((2, 1, stacks.shape[-1], 1), "float32")
        kernel[1] = -1
        return tf.nn.depthwise_conv2d(stacks, kernel, (1, 1, 1, 1), "VALID")


def persistence_of_appearance(
    layer: PersistenceOfAppearance, changes: tf.Tensor, deviation: np.ndarray, paired: bool
) -> tf.Tensor:
    """PA of differences of raw frames, equal to the layer's but for rounding.

    Where height and width are even it treats 2x2 pixels as one: a convolution of stride 2 holds
    four copies of the kernel, each shifted by a pixel, so that one position gives the features of
    four pixels. That is a third more arithmetic on a quarter of the positions, and twice as fast,
    for a convolution to 8 channels leaves most of a processor's lanes idle and one to 32 does not.

    Args:
        layer: The trained layer, of depth 1.
        changes: `(N, m - 1, H, W * 3)`, earlier minus later, in 0..255.
        deviation: What the layer's frames were divided by, per colour.
        paired: Whether to read two adjacent pixels as one of six channels, where 2x2 pixels are
            treated as one. In eight bits, where kernels read eight channels at a time, this saves a
            third of the time of the convolution; in float it costs a tenth.

    Returns:
        `(N, H, W, m - 1)`.
    """
    _, pairs, height, width = changes.shape
    width //= 3
    block = 2 if height % 2 == width % 2 == 0 else 1
    kernel = in_blocks(constant(layer.convolutions[0][0]) / np.reshape(deviation, (-1, 1)), block)
    joined = 2 if paired and block == 2 else 1
    with tf.name_scope("pa_features"):
        features = tf.nn.conv2d(
            tf.reshape(changes, (-1, height, width // joined, 3 * joined)),
            in_pairs(kernel) if joined == 2 else kernel,
            (block, block // joined),
            "SAME",
        )
        # The layer adds it to each channel, so that the root of zero does not occur.
        features = tf.nn.bias_add(features, np.full(features.shape[-1], layer.epsilon, "float32"))
    with tf.name_scope("pa_norm"):
        distances = tf.sqrt(add_groups(tf.multiply(features, features), block * block))
    with tf.name_scope("pa_layout"):
        positions = (height // block) * (width // block)
        stacked = tf.reshape(distances, (-1, pairs, positions, block * block))
        # Pixels of a block before pairs: the order in which blocks are spread out.
        stacked = tf.transpose(stacked, (0, 2, 3, 1))
        maps = tf.reshape(stacked, (-1, height // block, width // block, block * block * pairs))
        return tf.nn.depth_to_space(maps, block) if block > 1 else maps


def in_blocks(kernel: np.ndarray, block: int) -> np.ndarray:
    """A kernel (k, k, C, F) for each pixel of a block: (k + b - 1, k + b - 1, C, b * b * F)."""
    size, _, channels, features = kernel.shape
    wide = size + block - 1
    copies = np.zeros((wide, wide, channels, block, block, features), "float32")
    for row in range(block):
        for column in range(block):
            copies[row : row + size, column : column + size, :, row, column] = kernel
    return copies.reshape(wide, wide, channels, -1)


def in_pairs(kernel: np.ndarray) -> np.ndarray:
    """A kernel over pixels (h, w, C, F), w even, as one over pairs of them: (h, p, 2 * C, F).

    Padding keeps it centred: the pixels left of the middle must fill whole pairs.
    """
    height, width, channels, features = kernel.shape
    margin = (width // 2 - 1) % 2
    wide = np.pad(kernel, ((0, 0), (margin, margin), (0, 0), (0, 0)))
    return wide.reshape(height, -1, 2 * channels, features)


def add_groups(maps: tf.Tensor, groups: int) -> tf.Tensor:
    """Sums each of the groups of adjacent channels, by a convolution: faster than a reduction."""
    members = maps.shape[-1] // groups
    kernel = np.kron(np.eye(groups), np.ones((members, 1)))
    return tf.nn.conv2d(maps, kernel.reshape(1, 1, -1, groups).astype("float32"), 1, "SAME")
