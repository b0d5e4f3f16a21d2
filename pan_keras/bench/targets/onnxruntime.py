"""ONNX files, run by ONNX Runtime."""

from pathlib import Path

from pan_keras.bench.case import Case
from pan_keras.bench.exported import FILES, calibration, open_exported
from pan_keras.bench.session import CallSession
from pan_keras.bench.worker import resolve

REQUIRES = ("onnxruntime",)


def build(case: Case, folder: Path) -> None:
    """Converts the graph of the case, and quantises it.

    Args:
        case: What to convert.
        folder: Where the file goes.

    Raises:
        ValueError: If the format has no such precision.
    """
    from pan_keras.deploy.formats.converters import AVAILABLE  # noqa: PLC0415
    from pan_keras.deploy.formats.onnx import convert  # noqa: PLC0415
    from pan_keras.deploy.formats.quantise_onnx import quantise_onnx_to_int8  # noqa: PLC0415
    from pan_keras.deploy.graph.precision import float_layers  # noqa: PLC0415

    if case.precision not in AVAILABLE["onnx"]:
        raise ValueError(f"ONNX files are written in {' and '.join(AVAILABLE['onnx'])} only")
    graph = resolve(case.source)(case)
    proto = convert(graph)
    if case.precision == "int8":
        proto, _ = quantise_onnx_to_int8(proto, calibration(case), float_layers(graph))
    (folder / FILES["onnx"]).write_bytes(proto.SerializeToString())


def open_session(case: Case) -> CallSession:
    """Loads the file."""
    return open_exported(case, "onnx")
