"""PAN: fast action recognition by persistence of appearance, from videos to a phone."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("backbones", "layers", "models"):
        return import_module(f"pan_keras.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
