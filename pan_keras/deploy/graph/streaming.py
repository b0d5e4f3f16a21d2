"""The model for live video: one segment a call, with what it remembers in the caller's hands."""

from collections.abc import Callable

import keras
import tensorflow as tf

from pan_keras.deploy.artefact import StateTensor
from pan_keras.deploy.graph.network import (
    ServingGraph,
    check_motion,
    deployment_graph,
    network_outputs,
)
from pan_keras.deploy.graph.precision import in_float32
from pan_keras.layers import TemporalShift


class Stream:
    """One segment at a time, as `pan_keras.deploy.graph.network.Timeline` says.

    Args:
        segments: Segments that the logits look back on, N.
        recall: Gives the next state tensor, of the shape that it is asked for.

    Attributes:
        kept: The new states, in the order in which the old ones were recalled.
    """

    def __init__(self, segments: int, recall: Callable[[tuple[int, ...]], tf.Tensor]):
        self.segments = segments
        self.recall = recall
        self.kept: list[tf.Tensor] = []

    def shift(self, layer: TemporalShift, maps: tf.Tensor) -> tf.Tensor:
        """Takes the channels that move from the segment before.

        Raises:
            ValueError: If the shift looks ahead.
        """
        if not layer.causal:
            raise ValueError(
                f"{layer.name}: it looks at the segment that comes next, which live video does not "
                "have; train with model.causal=true to stream"
            )
        moved = 2 * layer.moved
        before = self.recall((*maps.shape[:-1], moved))
        self.kept.append(maps[..., :moved])
        return tf.concat([before, maps[..., moved:]], axis=-1)

    def collect(self, features: tf.Tensor) -> tf.Tensor:
        """Appends the features of this segment to those of the last N - 1."""
        before = self.recall((self.segments, features.shape[-1]))
        last = tf.concat([before[1:], features], axis=0)
        self.kept.append(last)
        return last[None]


def serving_graph(
    model: keras.Model, *, streaming: bool, **options: bool
) -> tuple[ServingGraph, tuple[StateTensor, ...]]:
    """The graph to export, for one segment a call or for one clip; and its states, if any.

    Args:
        model: A trained model.
        streaming: Which of the two.
        options: Of `streaming_graph` or `deployment_graph`.
    """
    if streaming:
        return streaming_graph(model, **options)
    return deployment_graph(model, **options), ()


def streaming_graph(
    model: keras.Model, *, with_motion: bool = False, eight_bits: bool = False
) -> tuple[ServingGraph, tuple[StateTensor, ...]]:
    """The model for one segment.

    What it remembers are the channels that each temporal shift moves on, and the features of the
    last N segments. States of zeros start a stream; after N segments the logits are those of the
    clip that they make up.

    Args:
        model: A trained `VideoNetwork`, or a network of several; its shift, if any, causal.
        with_motion: Whether to give PA out as well.
        eight_bits: Whether the graph is to be quantised.

    Returns:
        `frames` uint8 `(m, H, W, 3)` and the states to `logits` `(1, classes)`, the new states
        under the same names and, where asked for, `motion` `(1, H, W, m - 1)`; and the states.

    Raises:
        ValueError: If a shift looks ahead, or PA is asked of a model that has none.

    Example:
        >>> model = models.create("pan_lite_micro", classes=8, size=64, causal=True)
        >>> graph, states = streaming_graph(model)
        >>> [state.shape for state in states]
        [(1, 16, 16, 4), (1, 16, 16, 6), (1, 8, 8, 12), (8, 96)]
    """
    check_motion(model, with_motion)
    model = in_float32(model)
    frames = tf.TensorSpec((model.stack, *model.size, 3), "uint8", name="frames")
    states = state_tensors(model, frames)

    def serve(frames, **given):
        remembered = iter(given[state.name] for state in states)
        stream = Stream(model.segments, lambda _: next(remembered))
        outputs = network_outputs(model, frames, stream, eight_bits)
        names = ("logits", "motion") if with_motion else ("logits",)
        kept = {state.name: new for state, new in zip(states, stream.kept, strict=True)}
        return {**{name: outputs[name] for name in names}, **kept}

    specs = {each.name: tf.TensorSpec(each.shape, each.dtype, name=each.name) for each in states}
    return ServingGraph(serve, {"frames": frames, **specs}), states


def state_tensors(model: keras.Model, frames: tf.TensorSpec) -> tuple[StateTensor, ...]:
    """What a model has to remember, found by tracing it once."""

    def remember(frames):
        stream = Stream(model.segments, tf.zeros)
        network_outputs(model, frames, stream, eight_bits=False)
        return stream.kept

    traced = tf.function(remember, autograph=False).get_concrete_function(frames)
    return tuple(
        StateTensor(f"state_{index}", tuple(kept.shape), kept.dtype.name)
        for index, kept in enumerate(traced.outputs)
    )
