"""PAN: fast action recognition by persistence of appearance, from videos to a phone.

`import pan_keras as pan` is cheap: names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pan_keras import (
        backbones,
        bundle,
        clips,
        config,
        data,
        deploy,
        evaluation,
        flow,
        inference,
        input,
        layers,
        models,
        reports,
        runs,
        runtime,
        training,
        video,
    )
    from pan_keras.api import evaluate, export, load, predict, resume, train
    from pan_keras.config import Config
    from pan_keras.data import open_data
    from pan_keras.errors import UserError
    from pan_keras.input import ClipBatches
    from pan_keras.runs import Run, open_run

__version__ = "0.1.0"

__all__ = [
    "ClipBatches",
    "Config",
    "Run",
    "UserError",
    "backbones",
    "bundle",
    "clips",
    "config",
    "data",
    "deploy",
    "evaluate",
    "evaluation",
    "export",
    "flow",
    "inference",
    "input",
    "layers",
    "load",
    "models",
    "open_data",
    "open_run",
    "predict",
    "reports",
    "resume",
    "runs",
    "runtime",
    "train",
    "training",
    "video",
]

# The module of each name; the others are packages.
_NAMES = {
    "ClipBatches": "input",
    "Config": "config",
    "Run": "runs",
    "UserError": "errors",
    "evaluate": "api",
    "export": "api",
    "load": "api",
    "open_data": "data",
    "open_run": "runs",
    "predict": "api",
    "resume": "api",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in _NAMES:
        return import_module(f"{__name__}.{name}")
    # Kept, so that it is found without this function from now on.
    value = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
