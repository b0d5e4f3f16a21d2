"""Keras graphs on the configured backend and device."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames
from pan_keras.bench.worker import resolve

REQUIRES = ("keras",)


class KerasSession:
    """A compiled Keras graph on frames that are on its device already.

    Where the graph takes pairs of frames, a call may do a part of them.

    Args:
        case: Whose graph it is.
    """

    def __init__(self, case: Case):
        set_threads(case.threads)
        import keras  # noqa: PLC0415

        self.graph = resolve(case.source)(case)
        self.backend: str | None = f"{keras.backend.backend()} {_version(keras.backend.backend())}"
        self.device = device()
        self.divisible = bool(case.options.get("pairwise"))
        self.units = case.work.pairs
        self.facts: dict[str, Any] = {}
        self._frames = moving_frames(case.work)
        self._call = compiled(self.graph)
        self._inputs: dict[int, Any] = {}

    def run(self, units: int) -> None:
        """Computes, and waits for the device."""
        if units not in self._inputs:
            self._inputs = {units: keras_tensor(self._input(units))}
        synchronised(self._call(self._inputs[units]))

    def answer(self) -> np.ndarray:
        """The output as NumPy."""
        from keras import ops  # noqa: PLC0415

        output = self._call(keras_tensor(self._input(self.units)))
        return ops.convert_to_numpy(_first(output)).astype("float32")

    def _input(self, units: int) -> np.ndarray:
        if not self.divisible:
            return self._frames.reshape(-1, *self._frames.shape[2:])
        pairs = np.stack([self._frames[:, :-1], self._frames[:, 1:]], 2)
        return pairs.reshape(-1, *pairs.shape[2:])[:units]


def open_session(case: Case) -> KerasSession:
    """Builds the graph of the case and compiles it."""
    return KerasSession(case)


def set_threads(count: int) -> None:
    """Limits the backend to a number of threads, before it starts."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    elif backend == "torch":
        import torch  # noqa: PLC0415

        torch.set_num_threads(count)
    # JAX takes as many as the process has processors.


def compiled(graph: Any) -> Callable[[Any], Any]:
    """A function that computes the graph as the backend runs it fastest without tuning.

    TensorFlow traces it, JAX compiles it by XLA, torch runs it operation by operation.
    """
    import keras  # noqa: PLC0415

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        return tf.function(
            lambda frames: graph({"frames": frames}, training=False), autograph=False
        )
    if backend == "jax":
        import jax  # noqa: PLC0415

        trainable = [each.value for each in graph.trainable_variables]
        others = [each.value for each in graph.non_trainable_variables]

        @jax.jit
        def call(trainable, others, frames):
            return graph.stateless_call(trainable, others, {"frames": frames}, training=False)[0]

        return lambda frames: call(trainable, others, frames)
    import torch  # noqa: PLC0415

    def run(frames):
        with torch.no_grad():
            return graph({"frames": frames}, training=False)

    return run


def keras_tensor(array: np.ndarray) -> Any:
    """An array on the device."""
    from keras import ops  # noqa: PLC0415

    return ops.convert_to_tensor(array)


def synchronised(outputs: Any) -> None:
    """Waits until the device has computed the outputs."""
    import keras  # noqa: PLC0415

    backend = keras.backend.backend()
    if backend == "jax":
        import jax  # noqa: PLC0415

        jax.block_until_ready(outputs)
    elif backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        if tf.config.list_logical_devices("GPU"):
            tf.test.experimental.sync_devices()
    else:
        import torch  # noqa: PLC0415

        if torch.cuda.is_available():
            torch.cuda.synchronize()


def device() -> str:
    """Kind or name of the device that the backend computes on."""
    import keras  # noqa: PLC0415

    backend = keras.backend.backend()
    if backend == "jax":
        import jax  # noqa: PLC0415

        return str(jax.devices()[0].device_kind)
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        found = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(found[0]) if found else {}
        return str(details.get("device_name", "gpu")) if found else "cpu"
    import torch  # noqa: PLC0415

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"


def _first(outputs: Any) -> Any:
    return next(iter(outputs.values())) if isinstance(outputs, dict) else outputs


def _version(package: str) -> str:
    from importlib import metadata  # noqa: PLC0415

    return metadata.version(package)
