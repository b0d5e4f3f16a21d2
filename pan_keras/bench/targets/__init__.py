"""Where cases run; each file is a target.

A target has

* `REQUIRES`: modules that must be installed;
* `open_session(case)`: opens a `pan_keras.bench.session.Session`, in the process of the case;
* optionally `build(case, folder)`: makes the session's files beforehand, in another process.

`android` has no session: the device measures by itself, and `measure_on_android` fetches what it
found.

Runtimes are imported inside these functions, so that every target can be listed anywhere.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from pan_keras.errors import UserError
from pan_keras.installation import missing_part


def target_names() -> list[str]:
    """Names of all targets.

    Example:
        >>> target_names()
        ['android', 'keras', 'litert', 'onnxruntime', 'opencv', 'pyav']
    """
    return sorted(each.name for each in iter_modules(__path__))


def check_target(name: str) -> None:
    """Refuses a target that does not exist or whose runtime is not installed.

    Args:
        name: Of the target.

    Raises:
        UserError: If there is no such target, or what it requires is missing.
    """
    if name not in target_names():
        raise UserError(f"target: {name!r} is not one of {', '.join(target_names())}")
    if missing := missing_runtime(name):
        raise UserError(f"target {name}: {missing}")


def missing_runtime(name: str) -> str | None:
    """What is not installed of what a target requires, and how to install it; None if all is.

    Args:
        name: Of the target.
    """
    for module in import_module(f"{__name__}.{name}").REQUIRES:
        if find_spec(module) is None:
            error = ModuleNotFoundError(name=module)
            return str(missing_part(error) or f"{module} is not installed")
    return None
