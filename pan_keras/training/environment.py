"""What decides the bits of a training beside its settings and data: versions, processors, GPU."""

import os
from collections.abc import Mapping, Sequence

import tensorflow as tf

from pan_keras.runs.run import versions


def environment() -> dict[str, str]:
    """Versions of the packages, the number of processors and the GPU, by name."""
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "unknown")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return versions() | {"processors": str(_processors()), "gpu": ", ".join(gpus) or "none"}


def changes(history: Sequence[Mapping], now: Mapping[str, str]) -> list[str]:
    """What has changed since the last entry of a history and decides the bits, as phrases.

    Args:
        history: Environments with the first `step` that each did, the last one last.
        now: The environment of this process.
    """
    if not history:
        return []
    # The platform names the kernel too, which decides nothing.
    return [
        f"{name} {now.get(name, 'absent')} (was {value})"
        for name, value in history[-1].items()
        if name not in ("step", "platform") and now.get(name, "absent") != value
    ]


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Linux alone tells what this process may use
        return os.cpu_count() or 1
