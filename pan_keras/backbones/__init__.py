"""Frame and clip encoders for any number of input channels, and their registry.

A new backbone is one file in this folder: a subclass of `Backbone` that declares its layout, input
normalisation and PyTorch names, decorated with `register("name")`.
"""

import importlib
import pkgutil

from pan_keras.backbones.arithmetic import EPSILON
from pan_keras.backbones.backbone import Backbone, Shapes, shape_of
from pan_keras.backbones.input_normalisation import IMAGENET, InputNormalisation
from pan_keras.backbones.mobilenet_v2 import MobileNetV2
from pan_keras.backbones.pretrained import KerasApplication
from pan_keras.backbones.registry import (
    Registered,
    create,
    get,
    names,
    options,
    recognise,
    register,
)
from pan_keras.backbones.resnet import ResNet

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")

__all__ = [
    "EPSILON",
    "IMAGENET",
    "Backbone",
    "InputNormalisation",
    "KerasApplication",
    "MobileNetV2",
    "Registered",
    "ResNet",
    "Shapes",
    "create",
    "get",
    "names",
    "options",
    "recognise",
    "register",
    "shape_of",
]
