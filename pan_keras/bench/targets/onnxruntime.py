"""Runs ONNX files in ONNX Runtime."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.exported import open_stages
from pan_keras.bench.model_input import calibration
from pan_keras.bench.session import Session
from pan_keras.bench.worker import resolve

REQUIRES = ("onnxruntime",)
FILE = "model.onnx"


def build(case: Case, folder: Path) -> None:
    """Converts and quantises the graph of the case, unless the case has its own file.

    Args:
        case: The case to convert.
        folder: Where the file is written.

    Raises:
        ValueError: If ONNX files do not come in the precision.
    """
    if "file" in case.options:
        return
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
    (folder / FILE).write_bytes(proto.SerializeToString())


def open_session(case: Case) -> Session:
    """Loads the file."""
    file = Path(case.options.get("file") or Path(case.options["folder"]) / FILE)
    content = file.read_bytes()
    session = open_stages(case, OnnxStages(content, case.threads))
    session.facts["bytes"] = len(content)
    return session


class OnnxStages:
    """Runs an ONNX file in stages; see `pan_keras.bench.exported.Stages`."""

    device = "cpu"
    backend: str | None = None

    def __init__(self, content: bytes, threads: int):
        from pan_keras.runtime.onnx_engine import OnnxEngine  # noqa: PLC0415

        engine = OnnxEngine(content, threads)
        self.inputs = {name: (each.shape, each.dtype) for name, each in engine.inputs.items()}
        self._outputs = list(engine.outputs)
        self._session = engine.session
        self._binding = engine.session.io_binding()

    def put(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Sets the inputs by name; on the CPU nothing is copied."""
        for name, value in inputs.items():
            self._binding.bind_cpu_input(name, value)
        for name in self._outputs:
            self._binding.bind_output(name)

    def invoke(self) -> None:
        """Runs the model."""
        self._session.run_with_iobinding(self._binding)

    def get(self) -> dict[str, np.ndarray]:
        """Copies the outputs."""
        return dict(zip(self._outputs, self._binding.copy_outputs_to_cpu(), strict=True))
