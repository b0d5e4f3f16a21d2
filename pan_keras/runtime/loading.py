"""Model files loaded, each by the runtime of its format."""

from importlib.util import find_spec

from pan_keras.errors import UserError
from pan_keras.installation import install
from pan_keras.runtime.engine import Engine, not_runnable

# By format: the module to import, and the extra that brings it.
RUNTIMES = {"tflite": ("ai_edge_litert", "litert"), "onnx": ("onnxruntime", "onnx")}


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
