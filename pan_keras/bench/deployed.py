"""Latency of exported models on this machine."""

import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from pan_keras import models
from pan_keras.bench.parts import Part, time_parts
from pan_keras.deploy.artefact import Artefact
from pan_keras.deploy.formats.onnx import to_onnx
from pan_keras.deploy.formats.tflite import convert, to_tflite
from pan_keras.deploy.graph.network import plain_graph
from pan_keras.errors import UserError
from pan_keras.runtime.loading import load_engine
from pan_keras.timing import time_in_turns

# ONNX Runtime's threads stay awake for a while, which the next one's step of a stream would feel.
SETTLING = 0.05


@dataclass(frozen=True)
class Case:
    """One exported model and its times.

    Attributes:
        form: `plain` (the graph as it was trained), `fast` (as it is exported) or `step` (of a
            stream, one segment).
        format: Of the file.
        precision: What the numbers inside are.
        bytes: Size of the file.
        milliseconds: Median wall time of a call.
        fastest: Shortest wall time of a call.
        frames_per_second: Frames of the input a second, at the median.
        parts: Where the time goes, if that was asked for.
    """

    form: str
    format: str
    precision: str
    bytes: int
    milliseconds: float
    fastest: float
    frames_per_second: float
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class DeployedTimes:
    """Latency of one model in all measured forms.

    Attributes:
        model: Registry name, run folder or file.
        input: Shape of a clip, `(N, m, H, W, 3)`.
        threads: Threads of one call.
        steps: Calls measured of each case, in turns.
        cases: One for each exported model.
    """

    model: str
    input: tuple[int, ...]
    threads: int
    steps: int
    cases: tuple[Case, ...]

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """A text table, each time beside that of the plain graph."""
        segments, stack, height, width, _ = self.input
        plain = next(case.milliseconds for case in self.cases if case.form == "plain")
        lines = [
            f"{self.model}, {segments}x{stack} frames of {height}x{width} px, "
            f"{self.threads} threads, median of {self.steps} calls",
            f"{'':22}{'ms':>9}{'fastest':>9}{'frames/s':>10}{'plain/it':>10}{'MB':>8}",
        ]
        for case in self.cases:
            name = f"{case.format:7}{case.form:6}{case.precision}"
            lines.append(
                f"{name:22}{case.milliseconds:9.1f}{case.fastest:9.1f}"
                f"{case.frames_per_second:10.0f}{plain / case.milliseconds:10.2f}"
                f"{case.bytes / 1e6:8.1f}"
            )
            lines += [f"    {part.name:26}{part.milliseconds:9.2f}" for part in case.parts]
        return "\n".join(lines)


def measure_deployed(
    name: str,
    *,
    segments: int = 8,
    stack: int = 4,
    size: int | tuple[int, int] = 224,
    streaming: bool = False,
    parts: bool = False,
    threads: int = 2,
    steps: int = 10,
) -> DeployedTimes:
    """Exports a model to TFLite and ONNX, float32 and int8, and times all of them in turns.

    Args:
        name: A registry name, a run folder or a `.keras` file.
        segments: N of a model by registry name; so the next two.
        stack: m.
        size: Height and width in pixels, or one number for both.
        streaming: Whether to time a step of a stream too, which needs a causal shift; a model by
            registry name gets one.
        parts: Whether to find out where the time of the exported TFLite models goes.
        threads: Threads of one call.
        steps: Calls to time of each.

    Raises:
        UserError: If there is no such model, or it cannot stream.

    Example:
        >>> print(measure_deployed("pan_lite_mobilenetv2", streaming=True).to_text())
    """
    try:
        model = open_model(name, segments=segments, stack=stack, size=size, causal=streaming)
        artefacts = export_all(model, streaming)
    except ValueError as error:
        raise UserError(f"{name}: {error}") from error
    callers = {str(place): caller(each, threads) for place, (_, each) in enumerate(artefacts)}
    seconds = time_in_turns(callers, steps, SETTLING).values()
    shape = (model.segments, model.stack, *model.size, 3)
    cases = []
    for (form, artefact), times in zip(artefacts, seconds, strict=True):
        median = statistics.median(times)
        frames = model.stack * (1 if artefact.streaming else model.segments)
        known = parts and artefact.format == "tflite" and form != "plain"
        cases.append(
            Case(
                form=form,
                format=artefact.format,
                precision=artefact.precision,
                bytes=len(artefact.content),
                milliseconds=1000 * median,
                fastest=1000 * min(times),
                frames_per_second=frames / median,
                parts=time_parts(artefact.content, threads, steps) if known else (),
            )
        )
    return DeployedTimes(name, shape, threads, steps, tuple(cases))


def open_model(name: str, **options) -> keras.Model:
    """A model by registry name with fresh weights, or the one in a run folder or file."""
    if Path(name).exists():
        return models.load(name)
    if not options.pop("causal"):
        return models.create(name, classes=10, **options)
    return models.create(name, classes=10, causal=True, **options)


def export_all(model: keras.Model, streaming: bool) -> list[tuple[str, Artefact]]:
    """The model in every form, by name, and every format and precision that is measured."""
    # What is in the clips does not change the speed.
    generator = np.random.default_rng(0)
    shape = (2, model.segments, model.stack, *model.size, 3)
    clips = generator.integers(0, 256, shape, "uint8")
    found = [("plain", Artefact("tflite", "float32", False, convert(plain_graph(model))))]
    for form, step in [("fast", False), ("step", True)][: 1 + streaming]:
        for to_format in (to_tflite, to_onnx):
            for precision in ("float32", "int8"):
                artefact = to_format(model, precision, calibration=clips, streaming=step)
                found.append((form, artefact))
    return found


def caller(artefact: Artefact, threads: int) -> Callable[[], object]:
    """A function that runs an exported model once on frames of noise."""
    engine = load_engine(artefact.format, artefact.content, threads)
    inputs = {name: np.zeros(each.shape, each.dtype) for name, each in engine.inputs.items()}
    frames = inputs["frames"].shape
    inputs["frames"] = np.random.default_rng(0).integers(0, 256, frames, "uint8")
    return engine.bound(inputs)
