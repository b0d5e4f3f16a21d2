from .exporter import export
from .recipe import Recipe, load_recipe

__all__ = ["Recipe", "export", "load_recipe"]
