"""What runs a model file: LiteRT or ONNX Runtime, behind one call."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from pan_keras.errors import UserError

# By format: the module to import, and what to install.
RUNTIMES = {"tflite": ("ai_edge_litert", "ai-edge-litert"), "onnx": ("onnxruntime", "onnxruntime")}
SIGNATURE = "serve"

# Shape and dtype of tensors by name.
Tensors = Mapping[str, tuple[tuple[int, ...], str]]


class Engine(Protocol):
    """A loaded model.

    Attributes:
        inputs: Shape and dtype of each input by name; a free dimension is -1.
        outputs: The same of each output.
    """

    inputs: Tensors
    outputs: Tensors

    def __call__(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the model once.

        Args:
            tensors: Every input by name.

        Returns:
            Every output by name.
        """


def is_installed(file_format: str) -> bool:
    """Tells whether this machine has the runtime of a format."""
    return find_spec(RUNTIMES[file_format][0]) is not None


def load_engine(file_format: str, content: bytes, threads: int | None = None) -> Engine:
    """Loads a model file.

    Args:
        file_format: `"tflite"` or `"onnx"`.
        content: The file.
        threads: Threads for one call; all cores unless given.

    Raises:
        UserError: If the runtime is not installed, or takes the file for damaged.
    """
    if not is_installed(file_format):
        package = RUNTIMES[file_format][1]
        raise UserError(f"{file_format}: {package} is not here; pip install {package}")
    try:
        if file_format == "tflite":
            from pan_keras.runtime.litert_engine import LiteRTEngine  # noqa: PLC0415

            return LiteRTEngine(content, threads)
        from pan_keras.runtime.onnx_engine import OnnxEngine  # noqa: PLC0415

        return OnnxEngine(content, threads)
    except (ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise UserError(
            f"{file_format}: the runtime refuses this model ({reason}); export it again"
        ) from error
