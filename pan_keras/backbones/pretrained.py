"""ImageNet weights that Keras distributes, as a backbone declares them."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from pan_keras.backbones.input_normalisation import InputNormalisation


@dataclass(frozen=True)
class KerasApplication:
    """A network of `keras.applications` with weights of ImageNet.

    Args:
        make: Its function, such as `keras.applications.ResNet50`.
        file: The file of its weights without the classifier, which Keras downloads.
        torch_key: From the name of one of its layers to the name in torchvision.
        normalisation: How it scales RGB bytes.
        landmark: A layer that tells its files from those of other networks; empty for none.

    Example:
        >>> from pan_keras import backbones
        >>> backbones.get("resnet50").pretrained.file
        'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5'
    """

    make: Callable[..., keras.Model]
    file: str
    torch_key: Callable[[str], str]
    normalisation: InputNormalisation
    landmark: str = ""


# What keras.applications scales bytes to: blue first less the mean of ImageNet, and -1 to 1.
CAFFE = InputNormalisation((123.68, 116.779, 103.939), (1.0, 1.0, 1.0), 255.0, "bgr")
SYMMETRIC = InputNormalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
