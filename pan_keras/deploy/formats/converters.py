"""Converters by format, imported lazily."""

from collections.abc import Callable

from pan_keras.deploy.artefact import PRECISIONS, Artefact

# Supported precisions by format.
AVAILABLE = {"tflite": PRECISIONS, "onnx": ("float32", "int8")}


def converter(file_format: str) -> Callable[..., Artefact]:
    """Returns `to_tflite` or `to_onnx`."""
    if file_format == "tflite":
        from pan_keras.deploy.formats.tflite import to_tflite  # noqa: PLC0415

        return to_tflite
    from pan_keras.deploy.formats.onnx import to_onnx  # noqa: PLC0415

    return to_onnx
