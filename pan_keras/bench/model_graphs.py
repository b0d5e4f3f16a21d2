"""Keras graphs of models to measure: as trained, as exported, and streaming steps."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from pan_keras import models
from pan_keras.bench.case import Case
from pan_keras.bench.model_input import model_clips, raw_frames
from pan_keras.bench.model_table import build_and_count
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.deploy.graph.network import deployment_graph, plain_graph
from pan_keras.models.cost import cost

CLASSES = 10  # of a model by registry name
POLICIES = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}


def describe(name: str, options: dict[str, Any], streaming: bool) -> dict[str, Any]:
    """Returns the facts of a model that are needed before it is measured.

    Args:
        name: A registry name, a run folder or a `.keras` file.
        options: Arguments of `models.create` for a registry name.
        streaming: Whether it must support streaming.

    Returns:
        `shape`, the shape of its clips; `macs` per clip and `parameters`.

    Raises:
        ValueError: If there is no such model, or it cannot be built with these options.
    """
    found: list[keras.Model] = []

    def make() -> keras.Model:
        found.append(models.create(name, classes=CLASSES, **options))
        return found[0]

    if Path(name).exists():
        found.append(models.load(name))
        counted = cost(found[0])
        if streaming:
            deployment_graph(found[0], streaming=True)
    else:
        counted = build_and_count(make)
    model = found[0]
    shape = ClipShape(
        model.segments, model.stack, model.size, resize=round(min(model.size) * 8 / 7)
    )
    return {"shape": shape, "macs": counted.macs, "parameters": counted.parameters}


def graph_of(case: Case) -> keras.Model:
    """Returns the graph of a model.

    Args:
        case: Its `options` have `model` and `create`, the arguments of `describe`.

    Returns:
        A model from `frames` uint8 `(B * N * m, H, W, 3)` to `logits` `(B, classes)`; a streaming
        step takes `(m, H, W, 3)` and the states.

    Raises:
        ValueError: If the model has no such form.
    """
    model = _open(case)
    if case.graph == "plain":
        return plain_graph(model, clips=case.work.batch)
    return deployment_graph(
        model,
        streaming=case.graph == "step",
        eight_bits=case.precision == "int8",
        clips=case.work.batch,
    )


def reference(case: Case) -> np.ndarray:
    """Returns the logits `(B, classes)` of the model as trained, on the clips of the case."""
    model = _open(case)
    clips = model_clips(case, raw_frames(case))
    shape = case.options["shape"]
    logits = model(clips.reshape(-1, *shape.array).astype("float32"), training=False)
    return ops.convert_to_numpy(logits)


def _open(case: Case) -> keras.Model:
    name = case.options["model"]
    if Path(name).exists():
        return models.load(name)
    # Processes are compared with each other, so all need the same weights.
    keras.utils.set_random_seed(0)
    half = case.target == "keras" and case.precision in POLICIES
    previous = keras.config.dtype_policy()
    try:
        if half:
            keras.config.set_dtype_policy(POLICIES[case.precision])
        return models.create(name, classes=CLASSES, **case.options["create"])
    finally:
        keras.config.set_dtype_policy(previous)
