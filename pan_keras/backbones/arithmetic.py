"""Convolutions and normalisation with torchvision's padding, shared by all backbones."""

import keras
from keras import layers

from pan_keras.layers import BatchNormalization

EPSILON = 1e-5  # of batch normalisation, as in torch


def convolve(
    x: keras.KerasTensor,
    width: int,
    kernel: int,
    policy: keras.DTypePolicy,
    *,
    name: str,
    stride: int = 1,
) -> keras.KerasTensor:
    """Applies a convolution without bias, padded as in torch."""
    x, padding = pad(x, kernel, stride, policy, name)
    return layers.Conv2D(
        width,
        kernel,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer=he_normal("fan_out"),
        dtype=policy,
        name=name,
    )(x)


def convolve_each(
    x: keras.KerasTensor, kernel: int, policy: keras.DTypePolicy, *, name: str, stride: int = 1
) -> keras.KerasTensor:
    """Applies a depthwise convolution without bias, padded as in torch."""
    x, padding = pad(x, kernel, stride, policy, name)
    return layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding=padding,
        use_bias=False,
        # torch's fan-out of a depthwise kernel is the fan-in by Keras' axes.
        depthwise_initializer=he_normal("fan_in"),
        dtype=policy,
        name=name,
    )(x)


def pad(
    x: keras.KerasTensor, kernel: int, stride: int, policy: keras.DTypePolicy, name: str
) -> tuple[keras.KerasTensor, str]:
    """Pads by half the kernel on every side where Keras' own padding would not.

    Keras' "same" is symmetric only for stride 1.

    Returns:
        The padded maps, and the padding argument of the convolution.
    """
    if stride == 1:
        return x, "same"
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, dtype=policy, name=f"{name}_pad")(x)
    return x, "valid"


def he_normal(mode: str) -> keras.initializers.Initializer:
    """Returns torch's Kaiming initialisation of kernels."""
    return keras.initializers.VarianceScaling(2.0, mode=mode, distribution="untruncated_normal")


def normalise(x: keras.KerasTensor, policy: keras.DTypePolicy, name: str) -> keras.KerasTensor:
    """Applies batch normalisation."""
    return BatchNormalization(momentum=0.9, epsilon=EPSILON, dtype=policy, name=name)(x)


def rectify(
    x: keras.KerasTensor, policy: keras.DTypePolicy, name: str, ceiling: float | None = None
) -> keras.KerasTensor:
    """Applies ReLU, with an optional ceiling."""
    return layers.ReLU(ceiling, dtype=policy, name=name)(x)
