"""Keras graphs of motion cues: PA in its forms, and the flow networks."""

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
    """Returns the graph of a motion cue.

    Args:
        case: Its method, form, precision and work.

    Returns:
        For PA a model from `frames` uint8 `(B * N * m, H, W, 3)` to `motion`
        `(B * N, H, W, m - 1)`; for a flow network, one from `frames` `(pairs, 2, H, W, 3)` to
        `flow` `(pairs, H, W, 2)`; on targets other than Keras, `frames` is one pair `(2, H, W, 3)`.
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
    """Returns the float32 output of the layer or network, which answers are compared with.

    Args:
        case: Any case with a reference; its form and precision do not matter.

    Returns:
        float32: `(B * N, H, W, m - 1)` for PA; the first pair's `(1, H, W, 2)` for a flow network.
    """
    plain = replace(case, graph="plain", precision="float32", target="keras")
    frames = moving_frames(case.work)
    given = frames.reshape(-1, *frames.shape[2:]) if case.method in ENCODINGS else frames[:1, :2]
    (cue,) = graph_of(plain)({"frames": given}, training=False).values()
    return ops.convert_to_numpy(cue)


def counts(case: Case) -> dict[str, Any]:
    """Counts the multiply-accumulates of the work, as the paper counts them, and parameters.

    Args:
        case: A motion cue.
    """
    work = case.work

    def clip_graph() -> keras.Model:
        if case.method not in ENCODINGS:
            return flow.create(case.method, size=(work.height, work.width))
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
    """Returns the layer with weights that are the same on every backend."""
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
    shape = (2, case.work.height, case.work.width, 3)
    # Processes are compared with each other, so all need the same weights.
    keras.utils.set_random_seed(0)
    network = flow.create(case.method, size=shape[1:3])
    if case.method == "raft_small":
        # Untrained, each iteration would multiply corrections and their rounding errors by ten.
        correction = network.core.get_layer("head_conv2")
        correction.set_weights([0.01 * each for each in correction.get_weights()])
    if case.target == "keras":
        frames = pairs = keras.Input(shape, dtype="uint8", name="frames")
    else:
        frames = keras.Input(batch_shape=shape, dtype="uint8", name="frames")
        pairs = ops.reshape(frames, (1, *shape))
    return keras.Model({"frames": frames}, {"flow": network(pairs)}, name=case.method)
