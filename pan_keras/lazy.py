"""Names of a package that are imported when they are first asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package whose parts take long to import.

    Args:
        package: `__name__` of the package.
        modules: For each name the module of the package that holds it.

    Example:
        >>> __getattr__, __dir__ = lazily("pan_keras.inference", {"predict": "prediction"})
        >>> __getattr__("predict").__name__
        'predict'
    """

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return find, lambda: sorted(modules)
