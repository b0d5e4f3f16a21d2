"""Runs TFLite files in LiteRT."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.exported import open_stages
from pan_keras.bench.model_input import calibration
from pan_keras.bench.session import Session
from pan_keras.bench.worker import resolve

REQUIRES = ("ai_edge_litert",)
FILE = "model.tflite"


def build(case: Case, folder: Path) -> None:
    """Converts and quantises the graph of the case, unless the case has its own file.

    Args:
        case: The case to convert.
        folder: Where the file is written.
    """
    if "file" in case.options:
        return
    from pan_keras.deploy.formats.quantise_tflite import (  # noqa: PLC0415
        quantise_dynamically,
        quantise_to_int8,
    )
    from pan_keras.deploy.formats.tflite import convert  # noqa: PLC0415
    from pan_keras.deploy.graph.precision import float_layers  # noqa: PLC0415

    graph = resolve(case.source)(case)
    content = convert(graph, half=case.precision == "float16")
    if case.precision == "dynamic":
        content, _ = quantise_dynamically(content, float_layers(graph))
    elif case.precision == "int8":
        content, _ = quantise_to_int8(content, calibration(case), float_layers(graph))
    (folder / FILE).write_bytes(content)


def open_session(case: Case) -> Session:
    """Loads the file."""
    file = Path(case.options.get("file") or Path(case.options["folder"]) / FILE)
    content = file.read_bytes()
    session = open_stages(case, LiteRTStages(content, case.threads))
    session.facts["bytes"] = len(content)
    if case.options.get("parts"):
        from pan_keras.bench.parts import time_parts  # noqa: PLC0415

        found = time_parts(content, case.threads, steps=5)
        session.facts["parts"] = {part.name: round(part.milliseconds, 3) for part in found}
    return session


class LiteRTStages:
    """Runs a TFLite file in stages; see `pan_keras.bench.exported.Stages`."""

    device = "cpu"
    backend: str | None = None

    def __init__(self, content: bytes, threads: int):
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        # The interpreter cannot be invoked while a signature runner is alive.
        runner = self._interpreter.get_signature_runner("serve")
        given, wanted = runner.get_output_details(), runner.get_input_details()
        del runner
        self._interpreter.allocate_tensors()
        self._given = {name: detail["index"] for name, detail in given.items()}
        self._wanted = {name: detail["index"] for name, detail in wanted.items()}
        self.inputs: dict[str, tuple[tuple[int, ...], str]] = {
            name: (tuple(map(int, detail["shape"])), np.dtype(detail["dtype"]).name)
            for name, detail in wanted.items()
        }

    def put(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Copies the inputs into the tensors."""
        for name, value in inputs.items():
            self._interpreter.set_tensor(self._wanted[name], value)

    def invoke(self) -> None:
        """Runs the model."""
        self._interpreter.invoke()

    def get(self) -> dict[str, Any]:
        """Copies the outputs."""
        return {name: self._interpreter.get_tensor(index) for name, index in self._given.items()}
