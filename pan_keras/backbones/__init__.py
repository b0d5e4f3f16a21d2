"""Image networks that take any number of input channels and, on request, the temporal shift.

A new backbone is one file in this folder: a function under `@register("name")`.
"""

import importlib
import pkgutil

from pan_keras.backbones.backbone import Backbone
from pan_keras.backbones.mobilenet_v2 import MobileNetV2
from pan_keras.backbones.registry import create, names, options, register
from pan_keras.backbones.resnet import ResNet

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")

__all__ = [
    "Backbone",
    "MobileNetV2",
    "ResNet",
    "create",
    "names",
    "options",
    "register",
]
