"""Measures the latency of the parts of a TFLite model."""

import re
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from pan_keras.deploy.formats.flatbuffer import operations, read_tflite, write_tflite
from pan_keras.deploy.formats.listing import Operation

# Prefix of a layer name that identifies a part: its branch, and its stage with block number.
PART = re.compile(r"(?:[a-z]+\.)*(?:pa_[a-z]+|[a-z]+\d*(?:_\d+)?)")


@dataclass(frozen=True)
class Part:
    """A part of a model: consecutive operations.

    Attributes:
        name: Common prefix of their layers' names, up to the block number.
        milliseconds: Time per call.
    """

    name: str
    milliseconds: float


def time_parts(content: bytes, threads: int, steps: int) -> tuple[Part, ...]:
    """Splits the time of a call among the parts of a model.

    LiteRT does not expose a per-operation profile to Python. So the model is truncated after each
    part, and the time of a part is the increase over the previous cut. Where the runtime fuses
    operations across a cut, some time is attributed to a neighbouring part.

    Args:
        content: A TFLite file.
        threads: Threads per call.
        steps: Calls of each truncated model; the fastest counts.

    Returns:
        The parts in execution order.
    """
    model = read_tflite(content)
    ends = part_ends(operations(model))
    every = model.subgraphs[0].operators
    fastest = [fastest_call(cut(model, every[:end]), threads, steps) for end in ends.values()]
    own = 1000 * np.diff(fastest, prepend=0)
    return tuple(Part(name, max(0.0, float(ms))) for name, ms in zip(ends, own, strict=True))


def part_ends(listed: list[Operation]) -> dict[str, int]:
    """Returns, for each part, the number of operations from the start of the model to its end."""
    ends: dict[str, int] = {}
    name = "frames"
    for index, operation in enumerate(listed, start=1):
        # Operations of no layer only reshape for the operation before them.
        name = part_of(operation.outputs[0].name) or name
        ends[name] = index
    ends[name] = len(listed)
    return dict(sorted(ends.items(), key=lambda item: item[1]))


def part_of(tensor: str) -> str | None:
    """Returns the part of the operation that wrote a tensor; None if it belongs to no layer.

    The name lists the layers that were fused, the last to run first, each followed by a number
    that TensorFlow appended.

    Example:
        >>> part_of("layer1_0_relu1_1/Relu;layer1_0_conv1_1/BiasAdd")
        'layer1_0'
    """
    layer, slash, _ = tensor.rpartition(";")[2].partition("/")
    found = PART.match(re.sub(r"_\d+$", "", layer)) if slash else None
    return found.group() if found else None


def cut(model: Any, operators: list[Any]) -> bytes:
    """Truncates a parsed TFLite file to the given operations, in place, and serialises it."""
    graph = model.subgraphs[0]
    graph.operators = operators
    read = {int(index) for each in operators for index in each.inputs}
    made = [int(index) for each in operators for index in each.outputs]
    graph.outputs = [index for index in made if index not in read]
    model.signatureDefs = []
    return write_tflite(model)


def fastest_call(content: bytes, threads: int, steps: int) -> float:
    """Returns the seconds of the fastest call on random input, after a warm-up call."""
    interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    generator = np.random.default_rng(0)
    for detail in interpreter.get_input_details():
        noise = generator.integers(0, 256, detail["shape"]).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], noise)
    interpreter.invoke()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        interpreter.invoke()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
