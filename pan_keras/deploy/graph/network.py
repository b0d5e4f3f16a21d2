"""The graph that is exported: equal to the trained model, and faster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from pan_keras.backbones.input_normalisation import IMAGENET
from pan_keras.deploy.graph.backbone import run_backbone
from pan_keras.deploy.graph.motion import differences, persistence_of_appearance
from pan_keras.deploy.graph.precision import in_float32
from pan_keras.layers import TemporalShift
from pan_keras.models import PANetwork, RGBNetwork, VideoNetwork

# Of bytes, where the model's are of 0..1.
BYTE_MEAN = 255 * np.array(IMAGENET.mean, "float32")
BYTE_DEVIATION = 255 * np.array(IMAGENET.deviation, "float32")


@dataclass(frozen=True)
class ServingGraph:
    """A function of TensorFlow that converters can trace.

    Args:
        function: From the inputs to the outputs, both by name.
        inputs: Shape and dtype of the inputs by name. All dimensions are known, but for the first
            one of a graph for any number of clips.
    """

    function: Callable[..., dict[str, tf.Tensor]]
    inputs: dict[str, tf.TensorSpec]


class Timeline(Protocol):
    """How segments come: all of a clip at once, or one after the other."""

    def shift(self, layer: TemporalShift, maps: tf.Tensor) -> tf.Tensor:
        """Applies a temporal shift to maps of the segments that are there."""

    def collect(self, features: tf.Tensor) -> tf.Tensor:
        """Features `(B, N, d)` of whole clips, from those of the segments that are there."""


class Clips:
    """All segments of a clip at once, of one clip or of several.

    Args:
        segments: N.
    """

    def __init__(self, segments: int):
        self.segments = segments

    def shift(self, layer: TemporalShift, maps: tf.Tensor) -> tf.Tensor:
        """One convolution along time whose kernel picks one of three neighbours per channel.

        Slices, paddings and a concatenation say the same and copy the maps twice.
        """
        _, height, width, channels = maps.shape
        kernel = np.zeros((3, 1, channels, 1), "float32")
        first, second = slice(0, layer.moved), slice(layer.moved, 2 * layer.moved)
        kernel[0 if layer.causal else 2, :, first] = 1
        kernel[0, :, second] = 1
        kernel[1, :, 2 * layer.moved :] = 1
        timed = tf.reshape(maps, (-1, self.segments, height * width, channels))
        shifted = tf.nn.depthwise_conv2d(timed, kernel, (1, 1, 1, 1), "SAME")
        return tf.reshape(shifted, (-1, height, width, channels))

    def collect(self, features: tf.Tensor) -> tf.Tensor:
        """They are all there."""
        return tf.reshape(features, (-1, self.segments, features.shape[-1]))


def deployment_graph(
    model: keras.Model,
    *,
    with_motion: bool = False,
    eight_bits: bool = False,
    clips: int | None = 1,
) -> ServingGraph:
    """The model for clips, with at most four axes everywhere and no variables.

    PA is computed from differences of raw frames in blocks of 2x2 pixels, batch normalisation is
    folded into convolutions, the N segments ride on the batch axis. PA stays within 1e-5 of the
    layer's, logits within 1e-4 of the model's.

    Args:
        model: A trained `VideoNetwork`, or a network of several.
        with_motion: Whether to give PA out as well.
        eight_bits: Whether the graph is to be quantised; it then takes the form that is faster so.
        clips: Clips a call, B; None for any number.

    Returns:
        `frames` uint8 `(B * N * m, H, W, 3)` to `logits` `(B, classes)` and, where asked for,
        `motion` `(B * N, H, W, m - 1)`.

    Raises:
        ValueError: If PA is asked of a model that has none.

    Example:
        >>> graph = deployment_graph(models.create("pan_lite_micro", classes=8, size=64))
        >>> graph.inputs["frames"].shape
        TensorShape([32, 64, 64, 3])
    """
    check_motion(model, with_motion)
    model = in_float32(model)

    def serve(frames):
        outputs = network_outputs(model, frames, Clips(model.segments), eight_bits)
        return outputs if with_motion else {"logits": outputs["logits"]}

    rows = None if clips is None else clips * model.segments * model.stack
    spec = tf.TensorSpec((rows, *model.size, 3), "uint8", name="frames")
    return ServingGraph(serve, {"frames": spec})


def plain_graph(model: keras.Model) -> ServingGraph:
    """The model as it was trained, to measure against; its tensors have up to six axes."""
    shape = (model.segments * model.stack, *model.size, 3)

    def serve(frames):
        clips = tf.reshape(frames, (1, model.segments, model.stack, *shape[1:]))
        return {"logits": model(clips, training=False)}

    return ServingGraph(serve, {"frames": tf.TensorSpec(shape, "uint8", name="frames")})


def check_motion(model: keras.Model, with_motion: bool) -> None:
    """Raises ValueError if PA is asked of a model that has none."""
    if with_motion and all(isinstance(network, RGBNetwork) for network in networks(model)):
        raise ValueError(f"{model.name}: it computes no PA; export it without the motion maps")


def networks(model: keras.Model) -> list[VideoNetwork]:
    """The networks that a model is made of, itself if it is one."""
    if not hasattr(model, "branches"):
        return [model]
    return [network for branch in model.branches.values() for network in networks(branch)]


def network_outputs(
    model: keras.Model, frames: tf.Tensor, timeline: Timeline, eight_bits: bool
) -> dict[str, tf.Tensor]:
    """Logits and, where the model has it, PA of the first network that computes it.

    Args:
        model: A network, or a network of several.
        frames: `(segments there * m, H, W, 3)` in 0..255.
        timeline: How segments come.
        eight_bits: Whether the graph is to be quantised.
    """
    if not hasattr(model, "branches"):
        return video_network_outputs(model, frames, timeline, eight_bits)
    branches = model.branches.values()
    parts = [network_outputs(branch, frames, timeline, eight_bits) for branch in branches]
    with tf.name_scope("fusion"):
        outputs = {"logits": model.fusion(tf.stack([part["logits"] for part in parts], axis=1))}
    motion = next((part["motion"] for part in parts if "motion" in part), None)
    return outputs if motion is None else {**outputs, "motion": motion}


def video_network_outputs(network, frames, timeline, eight_bits):
    """`network_outputs` of one network."""
    height, width = network.size
    stacks = tf.reshape(frames, (-1, network.stack, height, width * 3))
    # Before anything is cut out: on bytes, runtimes slice slowly.
    stacks = tf.cast(stacks, "float32")
    outputs, maps = {}, []
    if not isinstance(network, PANetwork):
        # A slice of one frame, and not the frame: phones have it as an operation of their own.
        maps.append(tf.reshape(normalise(stacks[:, :1]), (-1, height, width, 3)))
    if not isinstance(network, RGBNetwork):
        layer = network.get_layer("persistence_of_appearance")
        outputs["motion"] = persistence_of_appearance(
            layer, differences(stacks), BYTE_DEVIATION, eight_bits
        )
        maps.append(outputs["motion"])
    seen = tf.concat(maps, axis=-1) if len(maps) > 1 else maps[0]
    features = timeline.collect(run_backbone(network.backbone, seen, timeline.shift))
    with tf.name_scope("aggregation"):
        video_feature = network.get_layer(network.options["aggregation"])(features)
    with tf.name_scope("classifier"):
        outputs["logits"] = network.get_layer("logits")(video_feature)
    return outputs


def normalise(rows: tf.Tensor) -> tf.Tensor:
    """Brings bytes `(..., W * 3)` to ImageNet's mean 0 and deviation 1, in one operation.

    Rows of pixels count as channels: over three channels alone most of a processor's lanes idle.
    """
    with tf.name_scope("normalisation"):
        pixels = rows.shape[-1] // 3
        scale = np.tile(1 / BYTE_DEVIATION, pixels).reshape(1, 1, -1, 1)
        scaled = tf.nn.depthwise_conv2d(rows, scale, (1, 1, 1, 1), "SAME")
        return tf.nn.bias_add(scaled, np.tile(-BYTE_MEAN / BYTE_DEVIATION, pixels))
