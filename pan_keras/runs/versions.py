"""Software versions and hardware that affect a model's numbers."""

import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata

PACKAGES = ("pan-keras", "keras", "tensorflow", "numpy", "av", "opencv-contrib-python-headless")


def versions() -> dict[str, str]:
    """Versions of Python, the platform and the packages that affect the numbers."""
    found = {"python": sys.version.split()[0], "platform": platform.platform()}
    return found | package_versions(PACKAGES)


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of packages by name, `absent` for those that are not installed.

    Args:
        packages: Names of distributions.
    """
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            from pan_keras import __version__  # noqa: PLC0415

            found[package] = __version__ if package == "pan-keras" else "absent"
    return found


def environment() -> dict[str, str]:
    """Versions, processors and GPU, which affect results at the bit level.

    Imports TensorFlow.
    """
    import tensorflow as tf  # noqa: PLC0415

    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "unknown")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return versions() | {"processors": str(_processors()), "gpu": ", ".join(gpus) or "none"}


def environment_changes(
    history: Sequence[Mapping[str, object]], now: Mapping[str, str]
) -> list[str]:
    """Lists the differences from the last entry of a history that affect results, as phrases.

    Args:
        history: Environments, each with its first `step`, latest last.
        now: The environment of this process.
    """
    if not history:
        return []
    # The platform includes the kernel, which does not affect the numbers; other workers are allowed
    # expressly.
    return [
        f"{name} {now.get(name, 'absent')} (was {value})"
        for name, value in history[-1].items()
        if name not in ("step", "platform", "workers") and now.get(name, "absent") != value
    ]


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # available on Linux only
        return os.cpu_count() or 1
