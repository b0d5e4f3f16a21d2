"""Builds the networks of `bench video` as TFLite files, with random weights."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames

CLASSES = 27
PA = "pa"
FLOWS = ("tvl1", "farneback", "dis_medium", "dis_fast", "dis_ultrafast")
METHODS = ("pan_lite", "pan_full", "rgb_tsm", *(f"two_stream_{flow}" for flow in FLOWS))
PRECISIONS = ("float32", "int8")
# By method: its networks by role, with their file names.
NETWORKS = {
    "pan_lite": {"frames": "pan_lite", PA: PA},
    "pan_full": {"frames": "pan_full", PA: PA},
    "rgb_tsm": {"frames": "tsm"},
}
TWO_STREAM = {"frames": "tsm", "flow": "flow"}


def networks_of(case: Case) -> dict[str, str]:
    """Returns the files of a method by role: `frames`, `flow`, and PA alone.

    Args:
        case: Its method and precision.

    Example:
        >>> networks_of(Case("two_stream_tvl1", "litert"))
        {'frames': 'tsm-float32.tflite', 'flow': 'flow-float32.tflite'}
    """
    networks = NETWORKS.get(case.method, TWO_STREAM)
    return {use: f"{name}-{case.precision}.tflite" for use, name in networks.items()}


def build(case: Case, _folder: Path) -> None:
    """Converts the networks of a case that no earlier case has converted.

    Args:
        case: They are written to its `options["networks"]`.
    """
    folder = Path(case.options["networks"])
    for file in networks_of(case).values():
        if not (folder / file).exists():
            name = file.partition("-")[0]
            (folder / file).write_bytes(tflite_of(name, case))


def tflite_of(name: str, case: Case) -> bytes:
    """Builds a network and converts it to TFLite.

    Args:
        name: `pan_lite`, `pan_full`, `tsm`, `flow` or `pa`.
        case: Its work, backbone and precision.
    """
    from pan_keras.deploy.formats.quantise_tflite import quantise_to_int8  # noqa: PLC0415
    from pan_keras.deploy.formats.tflite import convert  # noqa: PLC0415
    from pan_keras.deploy.graph.precision import float_layers  # noqa: PLC0415

    make: Callable[[Case], Any] = {"flow": flow_graph, PA: _pa_graph}.get(name, _frames_graph(name))
    graph = make(case)
    content = convert(graph)
    if case.precision == "int8":
        content, _ = quantise_to_int8(content, calibration(name, case), float_layers(graph))
    return content


def flow_graph(case: Case) -> Any:
    """Builds a temporal-shift network on flow, in the form of exported networks.

    Args:
        case: Its work and backbone.

    Returns:
        A Keras model from `frames`, flow as bytes `(N, H, W, 2 (m - 1))`, to `logits`
        `(1, classes)`.
    """
    import keras  # noqa: PLC0415

    from pan_keras import backbones  # noqa: PLC0415
    from pan_keras.deploy.graph.backbone import rebuild_backbone  # noqa: PLC0415
    from pan_keras.deploy.graph.network import Classifier  # noqa: PLC0415
    from pan_keras.deploy.graph.timeline import Clips  # noqa: PLC0415
    from pan_keras.layers import SegmentConsensus  # noqa: PLC0415

    work = case.work
    channels = 2 * (work.stack - 1)
    encoder = backbones.create(case.options["backbone"], channels, work.segments)
    timeline = Clips(work.segments, 1)
    shape = (work.segments, work.height, work.width, channels)
    fields = keras.Input(batch_shape=shape, dtype="uint8", name="frames")
    scaled = keras.layers.Rescaling(1 / 128, -1.0, name="normalisation")(fields)
    rows = rebuild_backbone(encoder, scaled, timeline.shift)
    video = SegmentConsensus(name="aggregation")(timeline.collect(rows, "memory"))
    logits = Classifier(CLASSES, dtype="float32", name="classifier")(video)
    return keras.Model({"frames": fields}, {"logits": logits}, name="flow")


def calibration(name: str, case: Case) -> list[np.ndarray]:
    """Returns two clips to calibrate eight-bit ranges; the ranges do not affect the speed."""
    work = case.work
    if name == "flow":
        shape = (2, work.segments, 1, work.height, work.width, 2 * (work.stack - 1))
        return list(np.random.default_rng(0).integers(64, 192, shape).astype("uint8"))
    stack = 1 if name == "tsm" else work.stack
    return [moving_frames(replace(work, stack=stack), seed) for seed in (1, 2)]


def _frames_graph(family: str) -> Callable[[Case], Any]:
    def make(case: Case) -> Any:
        from pan_keras import models  # noqa: PLC0415
        from pan_keras.deploy.graph.network import deployment_graph  # noqa: PLC0415

        work = case.work
        model = models.create(
            f"{family}_{case.options['backbone']}",
            classes=CLASSES,
            segments=work.segments,
            stack=1 if family == "tsm" else work.stack,
            size=(work.height, work.width),
        )
        spread_logits(model)
        return deployment_graph(model, eight_bits=case.precision == "int8")

    return make


def spread_logits(model: Any) -> None:
    """Sets classifier weights to the scale that training gives them.

    Fresh weights are so small that the eight-bit output cannot resolve the logits, and the runtime
    rejects the file.
    """
    from pan_keras.models import networks  # noqa: PLC0415

    generator = np.random.default_rng(0)
    for network in networks(model).values():
        layer = network.get_layer("logits")
        kernel, bias = layer.get_weights()
        layer.set_weights([generator.normal(0, 0.3, kernel.shape), bias])


def _pa_graph(case: Case) -> Any:
    from pan_keras.bench.motion_graphs import graph_of  # noqa: PLC0415

    return graph_of(replace(case, method="pa", graph="fast", options={"depth": 1}))
