"""Embeds the facts of a bundle in its model files, so that a file copied alone keeps them.

The package for a format is imported only when a file of that format is read or written.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pan_keras.bundle.reader import Bundle
from pan_keras.bundle.schema import upgraded
from pan_keras.errors import UserError

KEY = "pan_keras"
# Known only once the file is written, so not embedded in it.
OUTSIDE = ("bytes", "sha256")


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
        raise UserError(f"this {file_format} file holds no bundle facts; export it again")
    facts: dict[str, Any] = json.loads(text)
    return facts


def differences(bundle: Bundle) -> Iterator[str]:
    """Yields one sentence for each model file whose facts differ from `model.json`.

    Files whose runtime is not installed are skipped.
    """
    outside: dict[str, Any] = {key: fact for key, fact in bundle.facts.items() if key != "files"}
    outside["artefacts"] = [
        {key: fact for key, fact in record.items() if key not in OUTSIDE}
        for record in outside["artefacts"]
    ]
    for entry in filter(lambda entry: entry.is_runnable, bundle.entries):
        try:
            inside = upgraded(extract(entry.format, bundle.content(entry.file)))
        except Exception as error:  # parsers may raise anything on hostile bytes
            yield f"{entry.file}: its facts cannot be read ({error or type(error).__name__})"
            continue
        if inside != outside:
            yield f"{entry.file}: its facts differ from those in model.json"


def _embed_tflite(content: bytes, text: str) -> bytes:
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415
    from ai_edge_litert.tools import flatbuffer_utils  # noqa: PLC0415

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = KEY, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _extract_tflite(content: bytes) -> str | None:
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    model = schema.Model.GetRootAs(content, 0)
    for place in range(model.MetadataLength()):
        entry = model.Metadata(place)
        if entry.Name() == KEY.encode():
            return bytes(model.Buffers(entry.Buffer()).DataAsNumpy()).decode()
    return None


def _embed_onnx(content: bytes, text: str) -> bytes:
    import onnx  # noqa: PLC0415

    model = onnx.load_from_string(content)
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, text
    return bytes(model.SerializeToString())


def _extract_onnx(content: bytes) -> str | None:
    import onnxruntime  # noqa: PLC0415 (onnx, which writes the files, is not on devices)

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # fatal only: the exception has the message
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    properties: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return properties.get(KEY)
