"""Loads model files with the runtime of their format."""

from pan_keras.bundle import Bundle, ModelFile
from pan_keras.bundle.model_file import RUNTIMES, is_installed
from pan_keras.errors import UserError
from pan_keras.installation import install
from pan_keras.runtime.engine import Engine, not_runnable


def load_model(bundle: Bundle, entry: ModelFile, threads: int | None = None) -> Engine:
    """Loads a model file of a bundle.

    Args:
        bundle: The bundle.
        entry: The model file.
        threads: Threads per call; all cores by default.

    Returns:
        An engine, called with arrays by input name.

    Raises:
        UserError: If the file has changed, does not fit the labels or the clips, or its runtime is
            not installed.

    Example:
        >>> bundle = Bundle.open("runs/demo/bundle")
        >>> engine = load_model(bundle, bundle.choose())
    """
    engine = load_engine(entry.format, bundle.content(entry.file), threads)
    bundle.check_tensors(entry, engine.inputs, engine.outputs)
    return engine


def load_engine(file_format: str, content: bytes, threads: int | None = None) -> Engine:
    """Loads a model file.

    Args:
        file_format: `"tflite"` or `"onnx"`.
        content: Content of the file.
        threads: Threads per call; all cores by default.

    Raises:
        UserError: If the runtime is not installed or rejects the file as damaged.
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
