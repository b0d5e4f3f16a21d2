"""Runs Keras graphs on the configured backend and device."""

import os
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.exported import open_stages
from pan_keras.bench.session import Session
from pan_keras.bench.worker import resolve

REQUIRES = ("keras",)


def open_session(case: Case) -> Session:
    """Builds the graph of the case and compiles it."""
    set_threads(case.threads)
    return open_stages(case, KerasStages(resolve(case.source)(case)))


class KerasStages:
    """Runs a compiled Keras graph in stages; see `pan_keras.bench.exported.Stages`.

    Args:
        graph: A model from named inputs to named outputs.
    """

    def __init__(self, graph: Any):
        import keras  # noqa: PLC0415

        name = keras.backend.backend()
        self.backend: str | None = f"{name} {metadata.version(name)}"
        self.device = device()
        self.inputs: dict[str, tuple[tuple[int, ...], str]] = {
            each.name: (tuple(each.shape), each.dtype) for each in graph.inputs
        }
        self._call = compiled(graph)
        self._held: Any = None
        self._outputs: Any = None

    def put(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Copies the inputs to the device."""
        from keras import ops  # noqa: PLC0415

        self._held = {name: ops.convert_to_tensor(value) for name, value in inputs.items()}

    def invoke(self) -> None:
        """Runs the model and waits for the device."""
        self._outputs = self._call(self._held)
        synchronise(self._outputs)

    def get(self) -> dict[str, np.ndarray]:
        """Copies the outputs from the device."""
        from keras import ops  # noqa: PLC0415

        return {name: ops.convert_to_numpy(each) for name, each in self._outputs.items()}


def set_threads(count: int) -> None:
    """Limits the backend to a number of threads; call it before the backend starts."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    elif backend == "torch":
        import torch  # noqa: PLC0415

        torch.set_num_threads(count)
    # JAX uses as many threads as the process has processors.


def compiled(graph: Any) -> Callable[[Any], Any]:
    """Compiles the forward pass: traced by TensorFlow, compiled by JAX, eager in torch.

    Args:
        graph: The model.
    """
    import keras  # noqa: PLC0415

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        return tf.function(lambda inputs: graph(inputs, training=False), autograph=False)
    if backend == "jax":
        import jax  # noqa: PLC0415

        trainable = [each.value for each in graph.trainable_variables]
        others = [each.value for each in graph.non_trainable_variables]

        @jax.jit
        def call(trainable, others, inputs):
            return graph.stateless_call(trainable, others, inputs, training=False)[0]

        return lambda inputs: call(trainable, others, inputs)
    import torch  # noqa: PLC0415

    def run(inputs):
        with torch.no_grad():
            return graph(inputs, training=False)

    return run


def synchronise(outputs: Any) -> None:
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
    """Returns the kind or name of the device that the backend computes on."""
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

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "cpu"
