"""ONNX models, run by ONNX Runtime."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from pan_keras.bundle.model_file import Tensor, Tensors
from pan_keras.runtime.engine import not_runnable

ERRORS_ALONE = 3  # ONNX Runtime's log level
DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(float16)": "float16"}


class OnnxEngine:
    """An ONNX model on the CPU; see `pan_keras.runtime.engine.Engine`.

    Args:
        content: Content of the file.
        threads: Threads per call; all cores by default.
        optimised: Whether operations may be fused; intermediate tensors are then not computed.

    Raises:
        RuntimeError: If the file is damaged.
    """

    def __init__(self, content: bytes, threads: int | None = None, *, optimised: bool = True):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count() or 1
        options.log_severity_level = ERRORS_ALONE
        if not optimised:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self.session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base class of their own
            raise RuntimeError(str(error)) from error
        self.inputs: Tensors = _described(self.session.get_inputs())
        self.outputs: Tensors = _described(self.session.get_outputs())

    def __call__(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the model once.

        Raises:
            UserError: If ONNX Runtime cannot run the model.
        """
        try:
            found = self.session.run(None, dict(tensors))
        except Exception as error:
            raise not_runnable("onnx", error) from error
        return dict(zip(self.outputs, found, strict=True))

    def bound(self, tensors: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """Returns a function that runs the model on these inputs."""
        given = dict(tensors)
        return lambda: self.session.run(None, given)


def _described(arguments: Sequence[Any]) -> Tensors:
    return {
        argument.name: Tensor(
            tuple(side if isinstance(side, int) else -1 for side in argument.shape),
            DTYPES.get(argument.type, argument.type),
        )
        for argument in arguments
    }
