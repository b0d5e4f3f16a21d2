"""Trained models in the formats that devices run, with the evidence that they are the same.

Each name is imported when it is first asked for: a recipe needs no TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pan_keras.deploy.exporter import export
    from pan_keras.deploy.recipe import Recipe, load_recipe

_MODULES = {
    "Recipe": "recipe",
    "export": "exporter",
    "load_recipe": "recipe",
}

__all__ = ["Recipe", "export", "load_recipe"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
