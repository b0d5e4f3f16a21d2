"""Exports trained models to device formats and checks that they match the original.

Each name is imported on first access, so that reading a recipe needs no TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
