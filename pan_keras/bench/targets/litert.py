"""TFLite files, run by LiteRT."""

from pathlib import Path

from pan_keras.bench.case import Case
from pan_keras.bench.exported import FILES, calibration, open_exported
from pan_keras.bench.session import CallSession
from pan_keras.bench.worker import resolve

REQUIRES = ("ai_edge_litert",)


def build(case: Case, folder: Path) -> None:
    """Converts the graph of the case, and quantises it.

    Args:
        case: What to convert.
        folder: Where the file goes.
    """
    from pan_keras.deploy.formats.quantise_tflite import quantise_to_int8  # noqa: PLC0415
    from pan_keras.deploy.formats.tflite import convert  # noqa: PLC0415
    from pan_keras.deploy.graph.precision import float_layers  # noqa: PLC0415

    graph = resolve(case.source)(case)
    content = convert(graph, half=case.precision == "float16")
    if case.precision == "int8":
        content, _ = quantise_to_int8(content, calibration(case), float_layers(graph))
    (folder / FILES["tflite"]).write_bytes(content)


def open_session(case: Case) -> CallSession:
    """Loads the file."""
    return open_exported(case, "tflite")
