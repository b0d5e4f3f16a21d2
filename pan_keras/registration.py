"""Has Keras know the package's layers and models, without importing Keras before somebody does.

`keras.saving.load_model` finds a class only if its module was imported. Importing Keras takes
seconds, which neither `pan-keras --help` nor the runtime of a phone's bundle may wait for. So the
classes are registered at the moment when Keras, or a part of the package that needs it, is first
imported.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

REGISTERS_ALL = "pan_keras.models"
TRIGGERS = ("keras", "pan_keras.layers", "pan_keras.backbones", REGISTERS_ALL)


def register_when_needed() -> None:
    """Registers the classes now if Keras is there, else as soon as it comes."""
    if sys.modules.get("keras"):
        import_module(REGISTERS_ALL)
    else:
        sys.meta_path.insert(0, _FirstImport())


class _FirstImport(MetaPathFinder):
    """Waits for the first of `TRIGGERS`, lets it be imported, and imports the rest after it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in TRIGGERS:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            # Not when the module is found: TensorFlow looks for Keras without importing it.
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            execute(module)
            import_module(REGISTERS_ALL)

        # On this one loader, which serves this one import.
        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec
