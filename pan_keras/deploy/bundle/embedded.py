"""The facts of a bundle inside its model files, where they cannot be lost."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema

from pan_keras.deploy.formats.flatbuffer import read_tflite, write_tflite
from pan_keras.errors import UserError

KEY = "pan_keras"


def embed(file_format: str, content: bytes, facts: Mapping[str, Any]) -> bytes:
    """Writes facts into a model file.

    Args:
        file_format: `"tflite"`: a metadata buffer; `"onnx"`: an entry of `metadata_props`.
        content: The file.
        facts: Ready for JSON.

    Returns:
        The file with the facts in it; the model is the same.
    """
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
    return _embed_tflite(content, text) if file_format == "tflite" else _embed_onnx(content, text)


def extract(file_format: str, content: bytes) -> dict[str, Any]:
    """Reads the facts out of a model file.

    Raises:
        UserError: If there are none.
    """
    text = _extract_tflite(content) if file_format == "tflite" else _extract_onnx(content)
    if text is None:
        raise UserError(f"this {file_format} file holds no facts of a bundle; export it again")
    return json.loads(text)


def _embed_tflite(content: bytes, text: str) -> bytes:
    model = read_tflite(content)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = KEY, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return write_tflite(model)


def _extract_tflite(content: bytes) -> str | None:
    model = schema.Model.GetRootAs(content, 0)
    for place in range(model.MetadataLength()):
        entry = model.Metadata(place)
        if entry.Name() == KEY.encode():
            return bytes(model.Buffers(entry.Buffer()).DataAsNumpy()).decode()
    return None


def _embed_onnx(content: bytes, text: str) -> bytes:
    model = onnx.load_from_string(content)
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, text
    return model.SerializeToString()


def _extract_onnx(content: bytes) -> str | None:
    properties = onnx.load_from_string(content).metadata_props
    return next((entry.value for entry in properties if entry.key == KEY), None)
