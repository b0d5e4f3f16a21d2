"""Motion cues as Keras graphs: PA in its forms, and the flow networks."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from pan_keras import flow
from pan_keras.backbones.input_normalisation import IMAGENET
from pan_keras.bench.case import Case
from pan_keras.bench.frames import moving_frames
from pan_keras.bench.model_table import build_and_count
from pan_keras.deploy.graph.frames import FrameDifferences
from pan_keras.deploy.graph.motion import persistence_of_appearance
from pan_keras.layers import PersistenceOfAppearance

ENCODINGS = {"pa": "motion", "pa_e2": "attention"}
POLICIES = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}


def graph_of(case: Case) -> keras.Model:
    """The graph of a motion cue.

    Args:
        case: Its method, form, precision and work.

    Returns:
        For PA a model from `frames` uint8 `(B * N * m, H, W, 3)` to `motion`
        `(B * N, H, W, m - 1)`; for a flow network from `frames` `(pairs, 2, H, W, 3)` to `flow`
        `(pairs, H, W, 2)`.
    """
    if case.method not in ENCODINGS:
        return _flow_graph(case)
    work = case.work
    shape = (work.frames, work.height, work.width, 3)
    frames = keras.Input(batch_shape=shape, dtype="uint8", name="frames")
    layer = _layer(case)
    if case.graph == "fast":
        rows = ops.reshape(frames, (-1, work.stack, work.height, work.width * 3))
        changes = FrameDifferences(dtype="float32", name="pa_differences")(
            ops.cast(rows, "float32")
        )
        motion = persistence_of_appearance(
            layer, changes, IMAGENET, paired=case.precision == "int8"
        )
    else:
        stacks = ops.reshape(frames, (-1, work.stack, work.height, work.width, 3))
        motion = layer(IMAGENET.apply(ops.cast(stacks, "float32")))
    return keras.Model({"frames": frames}, {"motion": motion}, name=case.method)


def reference(case: Case) -> np.ndarray:
    """What the layer gives in float32, which answers are compared with.

    Args:
        case: One of those that are compared; its form and precision do not matter.

    Returns:
        float32 `(B * N, H, W, m - 1)`.
    """
    graph = graph_of(replace(case, graph="plain", precision="float32"))
    frames = moving_frames(case.work)
    motion = graph({"frames": frames.reshape(-1, *frames.shape[2:])}, training=False)["motion"]
    return ops.convert_to_numpy(motion)


def counts(case: Case) -> dict[str, Any]:
    """Multiply-accumulates of the work, as the paper counts them, and parameters.

    Args:
        case: A motion cue.
    """
    work = case.work

    def clip_graph() -> keras.Model:
        if case.method not in ENCODINGS:
            return _flow_graph(case)
        frames = keras.Input((work.segments, work.stack, work.height, work.width, 3))
        stacks = ops.reshape(frames, (-1, work.stack, work.height, work.width, 3))
        return keras.Model(frames, _new_layer(case)(stacks))

    found = build_and_count(clip_graph)
    times = work.batch if case.method in ENCODINGS else work.pairs
    return {"macs": times * found.macs, "parameters": found.parameters}


def _new_layer(case: Case) -> PersistenceOfAppearance:
    return PersistenceOfAppearance(
        depth=case.options.get("depth", 1),
        encoding=ENCODINGS[case.method],
        dtype=POLICIES.get(case.precision, "float32") if case.target == "keras" else "float32",
    )


def _layer(case: Case) -> PersistenceOfAppearance:
    """The layer with weights that are the same on every backend."""
    work = case.work
    layer = _new_layer(case)
    layer.build((None, work.stack, work.height, work.width, 3))
    generator = np.random.default_rng(7)
    weights = []
    for weight in layer.get_weights():
        deviation = (2 / np.prod(weight.shape[:-1])) ** 0.5 if weight.ndim > 1 else 0.0
        weights.append(generator.normal(0.0, deviation, weight.shape).astype("float32"))
    layer.set_weights(weights)
    return layer


def _flow_graph(case: Case) -> keras.Model:
    work = case.work
    network = flow.create(case.method, size=(work.height, work.width))
    pairs = keras.Input((2, work.height, work.width, 3), dtype="uint8", name="frames")
    return keras.Model({"frames": pairs}, {"flow": network(pairs)}, name=case.method)
