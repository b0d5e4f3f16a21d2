"""Targets that cases run on; each file is a target.

A target defines

* `REQUIRES`: modules that must be installed;
* `open_session(case)`: opens a `pan_keras.bench.session.Session`, in the process of the case;
* optionally `build(case, folder)`: makes the session's files beforehand, in a separate process.

`android` has no session: the device measures by itself, and `measure_on_android` fetches the
results.

Runtimes are imported inside these functions, so that the targets can be listed without them.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from pan_keras.errors import UserError
from pan_keras.installation import missing_part


def target_names() -> list[str]:
    """Returns the names of all targets.

    Example:
        >>> target_names()
        ['android', 'keras', 'litert', 'onnxruntime', 'opencv', 'pyav']
    """
    return sorted(each.name for each in iter_modules(__path__))


def check_target(name: str) -> None:
    """Checks that a target exists and its runtime is installed.

    Args:
        name: Name of the target.

    Raises:
        UserError: If there is no such target, or its runtime is missing.
    """
    if name not in target_names():
        raise UserError(f"target: {name!r} is not one of {', '.join(target_names())}")
    if missing := missing_runtime(name):
        raise UserError(f"target {name}: {missing}")


def missing_runtime(name: str) -> str | None:
    """Says which package of a target is missing and how to install it; None if none is.

    Args:
        name: Name of the target.
    """
    for module in import_module(f"{__name__}.{name}").REQUIRES:
        if find_spec(module) is None:
            error = ModuleNotFoundError(name=module)
            return str(missing_part(error) or f"{module} is not installed")
    return None
