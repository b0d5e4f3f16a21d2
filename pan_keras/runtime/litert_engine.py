"""TFLite models, run by LiteRT."""

import os
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from pan_keras.bundle.model_file import SIGNATURE, Tensor, Tensors
from pan_keras.runtime.engine import not_runnable


class LiteRTEngine:
    """A TFLite model; see `pan_keras.runtime.engine.Engine`.

    Args:
        content: Content of the file.
        threads: Threads per call; all cores by default.
        keep_tensors: Whether `interpreter.get_tensor` returns every tensor after a call, not only
            inputs and outputs.
        delegates: Whether XNNPACK may run operations. It fuses some, whose intermediate tensors
            are then not computed.

    Attributes:
        interpreter: LiteRT's interpreter, with the signature `serve` ready to run.

    Raises:
        ValueError: If the file is damaged or lacks the signature `serve`.
    """

    def __init__(
        self,
        content: bytes,
        threads: int | None = None,
        *,
        keep_tensors: bool = False,
        delegates: bool = True,
    ):
        resolver = (
            OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        self._interpreter = partial(
            Interpreter,
            model_content=content,
            num_threads=threads or os.cpu_count() or 1,
            experimental_preserve_all_tensors=keep_tensors,
            experimental_op_resolver_type=resolver,
        )
        with warnings.catch_warnings():
            # LiteRT warns that preserving tensors takes memory.
            warnings.simplefilter("ignore", UserWarning)
            self.interpreter = self._interpreter()
        self.serve = self.interpreter.get_signature_runner(SIGNATURE)
        self.inputs: Tensors = _described(self.serve.get_input_details())
        self.outputs: Tensors = _described(self.serve.get_output_details())

    def __call__(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the model once.

        Raises:
            UserError: If LiteRT cannot run the model.
        """
        try:
            return dict(self.serve(**tensors))
        except (RuntimeError, ValueError) as error:
            raise not_runnable("tflite", error) from error

    def bound(self, tensors: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """Returns a function that runs the model on these inputs."""
        # A second interpreter: LiteRT does not invoke one while a signature runner holds it.
        interpreter = self._interpreter()
        interpreter.allocate_tensors()
        for name, detail in self.serve.get_input_details().items():
            interpreter.set_tensor(detail["index"], tensors[name])
        invoke: Callable[[], object] = interpreter.invoke
        return invoke


def _described(details: Mapping[str, Any]) -> Tensors:
    return {
        name: Tensor(tuple(map(int, detail["shape"])), np.dtype(detail["dtype"]).name)
        for name, detail in details.items()
    }
