"""TFLite models, run by LiteRT."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from pan_keras.bundle.model_file import SIGNATURE, Tensor, Tensors
from pan_keras.runtime.engine import not_runnable


class LiteRTEngine:
    """A TFLite model; see `pan_keras.runtime.engine.Engine`.

    Args:
        content: The file.
        threads: Threads for one call; all cores unless given.

    Raises:
        ValueError: If the file is damaged or lacks the signature `serve`.
    """

    def __init__(self, content: bytes, threads: int | None = None):
        self.interpreter = Interpreter(
            model_content=content, num_threads=threads or os.cpu_count() or 1
        )
        self.serve = self.interpreter.get_signature_runner(SIGNATURE)
        self.inputs: Tensors = _described(self.serve.get_input_details())
        self.outputs: Tensors = _described(self.serve.get_output_details())

    def __call__(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the model once.

        Raises:
            UserError: If LiteRT cannot run what is in the file.
        """
        try:
            return dict(self.serve(**tensors))
        except (RuntimeError, ValueError) as error:
            raise not_runnable("tflite", error) from error


def _described(details: Mapping[str, Any]) -> Tensors:
    return {
        name: Tensor(tuple(map(int, detail["shape"])), np.dtype(detail["dtype"]).name)
        for name, detail in details.items()
    }
