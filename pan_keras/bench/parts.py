"""Latency of the parts of a TFLite model."""

import re
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from pan_keras.deploy.formats.flatbuffer import operations, read_tflite, write_tflite
from pan_keras.deploy.formats.listing import Operation

# What of a layer's name names a part: its branch, and its stage with the number of the block.
PART = re.compile(r"(?:[a-z]+\.)*(?:pa_[a-z]+|[a-z]+\d*(?:_\d+)?)")


@dataclass(frozen=True)
class Part:
    """A part of a model: consecutive operations.

    Attributes:
        name: Their layer in the graph, up to the number of the block.
        milliseconds: Of one call.
    """

    name: str
    milliseconds: float


def time_parts(content: bytes, threads: int, steps: int) -> tuple[Part, ...]:
    """Splits the time of a call among the parts of a model.

    LiteRT gives Python no profile of its operations. So the model is cut behind each part, and a
    part's time is what a piece takes longer than the one before; where the runtime fuses operations
    across a cut, a part's gain is another's loss.

    Args:
        content: A TFLite file.
        threads: Threads of one call.
        steps: Calls of each piece; the fastest counts.

    Returns:
        The parts in the order in which they run.
    """
    model = read_tflite(content)
    ends = part_ends(operations(model))
    every = model.subgraphs[0].operators
    fastest = [fastest_call(cut(model, every[:end]), threads, steps) for end in ends.values()]
    own = 1000 * np.diff(fastest, prepend=0)
    return tuple(Part(name, max(0.0, float(ms))) for name, ms in zip(ends, own, strict=True))


def part_ends(listed: list[Operation]) -> dict[str, int]:
    """Where the parts of a model end, as numbers of operations from its start."""
    ends: dict[str, int] = {}
    name = "frames"
    for index, operation in enumerate(listed, start=1):
        # What belongs to no layer only reshapes for what comes before it.
        name = part_of(operation.outputs[0].name) or name
        ends[name] = index
    ends[name] = len(listed)
    return dict(sorted(ends.items(), key=lambda item: item[1]))


def part_of(tensor: str) -> str | None:
    """The part that the operation behind a tensor belongs to, None if it is of no layer.

    A name holds the layers that were fused, the first to run last, and after each layer's name a
    number of TensorFlow's.

    Example:
        >>> part_of("layer1_0_relu1_1/Relu;layer1_0_conv1_1/BiasAdd")
        'layer1_0'
    """
    layer, slash, _ = tensor.rpartition(";")[2].partition("/")
    found = PART.match(re.sub(r"_\d+$", "", layer)) if slash else None
    return found.group() if found else None


def cut(model: Any, operators: list[Any]) -> bytes:
    """A TFLite file of the first operations of a parsed one, which is changed."""
    graph = model.subgraphs[0]
    graph.operators = operators
    read = {int(index) for each in operators for index in each.inputs}
    made = [int(index) for each in operators for index in each.outputs]
    graph.outputs = [index for index in made if index not in read]
    model.signatureDefs = []
    return write_tflite(model)


def fastest_call(content: bytes, threads: int, steps: int) -> float:
    """Seconds of the shortest call on noise, after one to warm up."""
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
