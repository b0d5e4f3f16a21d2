"""Rebuilds trained models as deployment graphs."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from pan_keras.deploy.graph.backbone import apply_twin, rebuild_backbone
from pan_keras.deploy.graph.frames import PixelScaling, Stacks
from pan_keras.deploy.graph.motion import persistence_of_appearance
from pan_keras.deploy.graph.timeline import Clips, Stream, Timeline
from pan_keras.layers import ScoreFusion
from pan_keras.models import (
    AppearanceCue,
    Cue,
    DifferenceCue,
    FieldCue,
    FusedNetwork,
    MotionCue,
    VideoNetwork,
    fold,
    networks,
)


@keras.saving.register_keras_serializable(package="pan_keras")
class Classifier(keras.layers.Dense):
    """The linear layer for a network's logits, a separate class so that it can stay in float."""

    @classmethod
    def of(cls, layer: keras.layers.Dense, features: Any, prefix: str) -> Any:
        """Applies the classifier of a trained network."""
        classifier = cls(layer.units, dtype="float32", name=f"{prefix}classifier")
        logits = classifier(features)
        classifier.set_weights(layer.get_weights())
        return logits


@keras.saving.register_keras_serializable(package="pan_keras")
class BranchFusion(ScoreFusion):
    """`ScoreFusion` of a list of logits `(B, classes)`, one per branch."""

    def build(self, input_shape: Any) -> None:
        super().build((input_shape[0][0], len(input_shape), input_shape[0][-1]))

    def call(self, logits: list[Any]) -> Any:
        return super().call(ops.stack(logits, axis=1))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


def deployment_graph(
    model: keras.Model,
    *,
    streaming: bool = False,
    with_motion: bool = False,
    eight_bits: bool = False,
    clips: int | None = 1,
) -> keras.Model:
    """Rebuilds a trained model as a graph that converts to fast files.

    PA is computed from differences of raw frames in blocks of 2x2 pixels, batch normalisation is
    folded into convolutions, a temporal shift is one convolution along time, the N segments are
    part of the batch axis, and no tensor has more than four axes. PA differs from the layer's by at
    most 1e-5, and logits from the model's by at most 1e-4.

    The graph is a functional model in float32 with its own weights, which can be trained, saved,
    and rebuilt layer by layer, for instance with fake quantisation after each layer except those of
    `pan_keras.deploy.graph.precision.float_layers`. It has no dropout.

    A streaming graph takes one segment per call and keeps its memory in the additional inputs and
    outputs `state_0`, `state_1`, ... All-zero states start a stream; after N segments, the logits
    equal those of the clip made of these segments.

    Args:
        model: A trained `VideoNetwork`, or a network of several.
        streaming: Whether one call takes one segment instead of clips; needs a causal shift.
        with_motion: Whether PA is an additional output.
        eight_bits: Whether the graph is to be quantised, for which another form is faster.
        clips: Clips per call, B; None for any number. Ignored in streaming.

    Returns:
        A model from a dictionary of `frames` uint8 `(B * N * m, H, W, 3)`, or `(m, H, W, 3)` and
        the states, to a dictionary of `logits` `(B, classes)`, the new states and, on request,
        `motion` `(B * N, H, W, m - 1)`.

    Raises:
        ValueError: If PA is requested of a model without it, a shift is not causal in streaming, or
            a layer has no form for devices.

    Example:
        >>> from pan_keras import models
        >>> model = models.create("pan_lite_micro", classes=8, size=64, causal=True)
        >>> deployment_graph(model).inputs[0].shape
        (32, 64, 64, 3)
        >>> graph = deployment_graph(model, streaming=True)
        >>> [state.shape for state in graph.inputs[1:]]
        [(1, 16, 16, 4), (1, 16, 16, 6), (1, 8, 8, 12), (8, 96)]
    """
    single = networks(model)
    if with_motion and not any(isinstance(cue, MotionCue) for cue in _cues(single)):
        raise ValueError(f"{model.name}: it computes no PA; export it without the motion maps")
    timeline: Timeline = Stream(model.segments) if streaming else Clips(model.segments, clips)
    rows = None if timeline.rows is None else timeline.rows * model.stack
    frames = keras.Input(batch_shape=(rows, *model.size, 3), dtype="uint8", name="frames")
    stacks = Stacks(frames, model.stack)
    prefixes = {
        id(network): "" if network is model else f"{name.replace('/', '.')}."
        for name, network in single.items()
    }

    def of_network(network: VideoNetwork) -> dict[str, Any]:
        return _network_outputs(network, stacks, timeline, eight_bits, prefixes[id(network)])

    def of_fused(fused: FusedNetwork, parts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        name = "fusion" if fused is model else f"{fused.name}.fusion"
        fusion = BranchFusion(fused.fusion.shares, fused.fusion.fuse, dtype="float32", name=name)
        # PA of the first branch that computes it.
        motion = next(
            ({"motion": part["motion"]} for part in parts.values() if "motion" in part), {}
        )
        return {"logits": fusion([part["logits"] for part in parts.values()]), **motion}

    outputs = fold(model, of_network, of_fused)
    if not with_motion:
        outputs.pop("motion", None)
    return keras.Model(
        {"frames": frames, **timeline.states}, {**outputs, **timeline.kept}, name=model.name
    )


def plain_graph(model: keras.Model, clips: int = 1) -> keras.Model:
    """Wraps the unmodified model as a baseline; its tensors have up to six axes.

    Args:
        model: A `VideoNetwork`, or a network of several.
        clips: Clips per call.
    """
    shape = (clips * model.segments * model.stack, *model.size, 3)
    frames = keras.Input(batch_shape=shape, dtype="uint8", name="frames")
    stacks = ops.reshape(frames, (clips, model.segments, model.stack, *model.size, 3))
    logits = model(ops.cast(stacks, "float32"), training=False)
    return keras.Model({"frames": frames}, {"logits": logits}, name="plain")


def _cues(single: Mapping[str, VideoNetwork]) -> list[Cue]:
    return [cue for network in single.values() for cue in network.cues]


def _network_outputs(
    network: VideoNetwork, stacks: Stacks, timeline: Timeline, eight_bits: bool, prefix: str
) -> dict[str, Any]:
    """Returns the logits of one network and, if it computes it, PA."""
    if getattr(network.backbone, "layout", "frames") != "frames":
        raise ValueError(
            f"{network.backbone.name}: it takes whole clips, in tensors of five axes, but "
            "devices support four; export a network whose backbone takes frames"
        )
    outputs: dict[str, Any] = {}
    maps = []
    for place, cue in enumerate(network.cues):
        earlier = sum(type(other) is type(cue) for other in network.cues[:place])
        suffix = f"_{earlier}" if earlier else ""
        match cue:
            case AppearanceCue(frame):
                scaling = PixelScaling.of(network.normalisation, f"{prefix}normalisation{suffix}")
                maps.append(scaling(stacks.frame(frame)))
            case MotionCue():
                motion = persistence_of_appearance(
                    network.get_layer(cue.layer),
                    stacks.differences(cue.first, cue.last),
                    network.normalisation,
                    paired=eight_bits,
                    prefix=prefix,
                    suffix=suffix,
                )
                outputs.setdefault("motion", motion)
                maps.append(motion)
            case DifferenceCue(first, last):
                scaling = PixelScaling.of_differences(
                    network.normalisation, f"{prefix}difference_scaling{suffix}"
                )
                changes = stacks.differences(first, last)
                maps += [scaling(changes[:, pair : pair + 1]) for pair in range(last - first)]
            case FieldCue():
                raise ValueError(
                    f"{network.name}: it takes motion fields, but exported graphs take frames"
                )
    seen = ops.concatenate(maps, axis=-1) if len(maps) > 1 else maps[0]
    rows = rebuild_backbone(network.backbone, seen, timeline.shift, prefix)
    features = timeline.collect(rows, f"{prefix}memory")
    aggregation = network.get_layer(network.options["aggregation"])
    video_feature = apply_twin(aggregation, features, f"{prefix}aggregation")
    outputs["logits"] = Classifier.of(network.get_layer("logits"), video_feature, prefix)
    return outputs
