"""What runs a model file: LiteRT or ONNX Runtime, behind one call."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from pan_keras.bundle import Bundle, ModelFile
from pan_keras.bundle.model_file import RUNTIMES, Tensors, is_installed
from pan_keras.errors import UserError
from pan_keras.installation import install


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

    def bound(self, tensors: Mapping[str, np.ndarray]) -> Callable[[], object]:
        """A function that runs the model on the same inputs, for timing: it copies none of them.

        Args:
            tensors: Every input by name.
        """


def load_model(bundle: Bundle, entry: ModelFile, threads: int | None = None) -> Engine:
    """Loads a model file of a bundle.

    Args:
        bundle: The bundle.
        entry: Which of its files.
        threads: Threads for one call; all cores unless given.

    Raises:
        UserError: If it has changed, does not fit the labels or the clips, or its runtime is not
            installed.
    """
    engine = load_engine(entry.format, bundle.content(entry.file), threads)
    bundle.check_tensors(entry, engine.inputs, engine.outputs)
    return engine


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
        extra = RUNTIMES[file_format][1]
        raise UserError(f"{file_format}: its runtime is not installed; {install(extra)}")
    try:
        if file_format == "tflite":
            from pan_keras.runtime.litert_engine import LiteRTEngine  # noqa: PLC0415

            return LiteRTEngine(content, threads)
        from pan_keras.runtime.onnx_engine import OnnxEngine  # noqa: PLC0415

        return OnnxEngine(content, threads)
    except (ValueError, RuntimeError, KeyError) as error:
        raise not_runnable(file_format, error) from error


def not_runnable(file_format: str, error: Exception) -> UserError:
    """The error for a model that its runtime loads or runs no further."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return UserError(f"{file_format}: the runtime refuses this model ({reason}); export it again")
