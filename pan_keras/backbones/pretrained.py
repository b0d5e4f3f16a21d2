"""ImageNet weights distributed by Keras, as declared by a backbone."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from pan_keras.backbones.input_normalisation import InputNormalisation


@dataclass(frozen=True)
class KerasApplication:
    """A network of `keras.applications` with ImageNet weights.

    Args:
        make: Its function, such as `keras.applications.ResNet50`.
        file: Name of the weights file without the classifier, which Keras downloads.
        torch_key: Maps the name of a layer to its name in torchvision.
        normalisation: Its scaling of RGB bytes.
        landmark: Name of a layer that identifies files of this network; empty for none.

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


# The scalings of keras.applications: BGR minus the ImageNet mean, and -1 to 1.
CAFFE = InputNormalisation((123.68, 116.779, 103.939), (1.0, 1.0, 1.0), 255.0, "bgr")
SYMMETRIC = InputNormalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
