"""The base class of video classifiers: frames, cues, backbone, aggregation over time, logits."""

from functools import cached_property
from typing import Any, Self

import keras
from keras import layers, ops

from pan_keras import backbones
from pan_keras.backbones.input_normalisation import IMAGENET, InputNormalisation
from pan_keras.backbones.registry import unknown
from pan_keras.layers import (
    SegmentConsensus,
    VariousTimescaleAggregationPooling,
    VariousTimescaleInferencePooling,
    pool_timescales,
)
from pan_keras.models.cues import Cue, MotionCue, cue_maps, joined

AGGREGATIONS = ("vap", "vip", "average")
# For backbones that take whole clips and aggregate over time themselves.
NO_AGGREGATION = "none"
# The paper's names of the encodings of PA, and the layer's.
ENCODINGS = {"e1": "motion", "e2": "attention"}
PA_DEFAULTS: dict[str, Any] = {"motion_depth": 1, "motion_encoding": "e1", "motion_kernel": 7}
# Standard deviation of the initial weights of PA and VAP; None for the layers' defaults.
INITIALISATIONS = {"scaled": None, "reference": 0.001}


class VideoNetwork(keras.Model):
    """Classifies clips: cues of each segment, a backbone, one feature per clip, logits.

    Subclasses declare the input of the backbone by `plan`.

    Normalisation is part of the network: the backbone's `normalisation`, or ImageNet's mean and
    standard deviation if it declares none. Dropout is applied between the aggregation and the
    linear classifier, so that it is the same for every aggregation and VAP weighs the timescales by
    complete features.

    Args:
        classes: Number of classes.
        backbone: A model from maps `(B * N, H, W, C)` to features `(B * N, d)`, C being
            `cue_channels(stack)`; or one whose `layout` is `"clip"`, from `(B, N, H, W, C)` to
            `(B, d)`; or the name of a registered one, with the temporal shift if it supports it.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        size: Height and width of the frames in pixels, or one number for both.
        aggregation: `"vap"`, `"vip"` or `"average"`; only `"none"` for a backbone that takes whole
            clips. By default `"vap"`, or `"none"` for such a backbone.
        expansion: Expansion ratio of VAP; ignored by the other aggregations.
        dropout: Dropout rate of the video feature.
        seed: Seed of the dropout, for reproducible training. Networks trained as branches of one
            model need different seeds, or they drop the same features.
        initialisation: Initial weights of PA and VAP: `"scaled"` by fan-in (He et al. for PA,
            Glorot and Bengio for VAP), or those of the `"reference"`, normal with standard
            deviation 0.001. The classifier always has the latter.
        motion_depth: Basic convolution layers of PA, one of 0, 1, 2, 4, 8 (Fig. 2-B); 1 in the
            paper's networks.
        motion_encoding: Encoding of PA: `"e1"`, its maps, or `"e2"`, attention of PA on feature
            maps (Sec. III-C, Table I).
        motion_kernel: Height and width of PA's kernels in pixels, odd.
        dtype: Dtype policy of all layers; the logits are always float32.

    Attributes:
        cues: The input of the backbone, as a sequence of cues that are concatenated along the
            channels; the exporter rebuilds the network from it. An `AppearanceCue` is a frame, a
            `MotionCue` the PA by a layer of the network, a `DifferenceCue` differences of frames, a
            `FieldCue` motion fields.
        normalisation: Scaling of bytes before the cues are computed.
        layout: Layout of the backbone, `"frames"` or `"clip"`.
        modality: Name of the kind of network in checkpoints: `"lite"`, `"pa"` or `"rgb"`; also
            `"difference"` and `"flow"`, for which the authors published no checkpoints.

    Input shape:
        `(B, N, m, H, W, 3)`: RGB in 0..255, uint8 or float.

    Output shape:
        `(B, classes)`: logits, float32.

    Raises:
        ValueError: If the arguments are inconsistent.

    Example:
        >>> from pan_keras import models
        >>> model = models.create("pan_lite_micro", classes=8, segments=4, stack=3, size=32)
        >>> model.cue_channels(stack=3), [type(cue).__name__ for cue in model.plan(stack=3)]
        (5, ['AppearanceCue', 'MotionCue'])
        >>> model.intermediates(np.zeros((1, 4, 3, 32, 32, 3)))["features"].shape
        (1, 4, 96)
    """

    modality = ""
    takes = "frames"

    def __init__(
        self,
        *,
        classes: int,
        backbone: str | keras.Model,
        segments: int = 8,
        stack: int = 4,
        size: int | tuple[int, int] = 224,
        aggregation: str | None = None,
        expansion: int = 4,
        dropout: float = 0.5,
        seed: int | None = None,
        initialisation: str = "scaled",
        motion_depth: int = 1,
        motion_encoding: str = "e1",
        motion_kernel: int = 7,
        dtype: Any = None,
        **kwargs: Any,
    ):
        for kind, given, valid in (
            ("aggregation", aggregation or "vap", (*AGGREGATIONS, NO_AGGREGATION)),
            ("encoding of PA", motion_encoding, ENCODINGS),
            ("initialisation", initialisation, INITIALISATIONS),
        ):
            if given not in valid:
                raise unknown(kind, given, valid)
        stddev = INITIALISATIONS[initialisation]
        policy = keras.dtype_policies.get(dtype)
        height, width = (size, size) if isinstance(size, int) else size
        cues = self.plan(stack)
        asked = {
            "motion_depth": motion_depth,
            "motion_encoding": motion_encoding,
            "motion_kernel": motion_kernel,
        }
        has_motion = any(isinstance(cue, MotionCue) for cue in cues)
        if asked != PA_DEFAULTS and not has_motion:
            raise ValueError(f"this network computes no PA; remove {', '.join(asked)}")
        channels = self.cue_channels(stack)
        if isinstance(backbone, str):
            backbone = backbones.create(backbone, channels, segments, dtype=policy)
        check_backbone(backbone, channels, segments)
        layout = getattr(backbone, "layout", "frames")
        aggregation = choose_aggregation(aggregation, layout, backbone.name)

        count, colours = self._pictures(stack)
        frames = keras.Input((segments, count, height, width, colours), name=self.takes)
        stacks = ops.reshape(frames, (-1, count, height * width, colours))
        normalisation = self._normalisation_of(backbone)
        pa = {
            "depth": motion_depth,
            "kernel_size": motion_kernel,
            "encoding": ENCODINGS[motion_encoding],
            "stddev": stddev,
            "dtype": policy,
        }
        parts = cue_maps(cues, stacks, normalisation, height, pa)
        tensors: dict[str, Any] = {}
        for cue, part in zip(cues, parts, strict=True):
            if isinstance(cue, MotionCue):
                tensors.setdefault("motion", part)
        maps = joined(parts)
        if layout == "clip":
            video_feature = backbone(ops.reshape(maps, (-1, segments, height, width, channels)))
        else:
            rows = backbone(maps)
            features = ops.reshape(rows, (-1, segments, rows.shape[-1]))
            video_feature, weights = aggregate(features, aggregation, expansion, stddev, policy)
            tensors |= {"features": features, **weights}
        tensors["video_feature"] = video_feature
        kept = layers.Dropout(dropout, seed=seed, dtype=policy, name="dropout")(video_feature)
        logits = layers.Dense(
            classes,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.001),
            dtype="float32",
            name="logits",
        )(kept)
        tensors["logits"] = logits
        super().__init__(inputs=frames, outputs=logits, **kwargs)
        self.dtype_policy = policy
        self.backbone = backbone
        self.cues = cues
        self.normalisation: InputNormalisation = normalisation
        self.layout: str = layout
        self.classes = classes
        self.segments = segments
        self.stack = stack
        self.size = (height, width)
        self.options = {
            "aggregation": aggregation,
            "expansion": expansion,
            "dropout": dropout,
            "seed": seed,
            "initialisation": initialisation,
            **(asked if has_motion else {}),
        }
        self._tensors = tensors

    @classmethod
    def plan(cls, stack: int) -> tuple[Cue, ...]:
        """The input of the backbone, in the order of its channels.

        Args:
            stack: Adjacent frames per segment, m.

        Returns:
            The cues.

        Raises:
            NotImplementedError: In this base class; each network defines its own plan.
        """
        raise NotImplementedError

    @classmethod
    def _pictures(cls, stack: int) -> tuple[int, int]:
        """Number of pictures and channels in which a segment of m frames is given."""
        return stack, 3

    @classmethod
    def _normalisation_of(cls, backbone: keras.Model) -> InputNormalisation:
        """The scaling of bytes for a backbone."""
        found: InputNormalisation = getattr(backbone, "normalisation", IMAGENET)
        return found

    @classmethod
    def cue_channels(cls, stack: int) -> int:
        """Counts the input channels of the backbone.

        Args:
            stack: Adjacent frames per segment, m.

        Returns:
            The total number of channels of all cues.
        """
        return sum(cue.channels for cue in cls.plan(stack))

    def intermediates(self, frames: Any) -> dict[str, Any]:
        """Computes the tensors between frames and logits in inference mode.

        Args:
            frames: Input of the model.

        Returns:
            `motion` `(B, N, H, W, m - 1)`, `features` `(B, N, d)`, `timescales` `(B, T, d)`,
            `weights` `(B, T)`, `video_feature` `(B, d)` and `logits` `(B, classes)`, as far as the
            model has them.
        """
        tensors = dict(self._probe(frames, training=False))
        if "motion" in tensors:
            motion = tensors["motion"]
            tensors["motion"] = ops.reshape(motion, (-1, self.segments, *motion.shape[1:]))
        if "weights" in tensors:
            tensors["timescales"] = pool_timescales(tensors["features"])
        return tensors

    @cached_property
    def _probe(self) -> keras.Model:
        return keras.Model(self.input, dict(self._tensors))

    def get_config(self) -> dict[str, Any]:
        return {
            "classes": self.classes,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "segments": self.segments,
            "stack": self.stack,
            "size": list(self.size),
            **self.options,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})


def check_backbone(backbone: keras.Model, channels: int, segments: int) -> None:
    """Raises ValueError if a backbone does not fit the clips."""
    if backbone.input_shape[-1] != channels:
        raise ValueError(
            f"the backbone {backbone.name!r} takes {backbone.input_shape[-1]} channels, but this "
            f"network gives it {channels}; create it with channels={channels}"
        )
    if getattr(backbone, "segments", None) not in (None, segments):
        raise ValueError(
            f"the backbone {backbone.name!r} is for {backbone.segments} segments, but clips "
            f"have {segments}; create it with segments={segments}"
        )


def choose_aggregation(asked: str | None, layout: str, backbone: str) -> str:
    """The temporal aggregation of a network.

    Raises:
        ValueError: If the backbone's layout does not support the requested aggregation.
    """
    if layout == "clip":
        if asked not in (None, NO_AGGREGATION):
            raise ValueError(
                f"the backbone {backbone!r} takes whole clips, so there is nothing for "
                f"{asked} to aggregate; remove aggregation"
            )
        return NO_AGGREGATION
    if asked == NO_AGGREGATION:
        raise ValueError(
            f"the backbone {backbone!r} gives a feature per segment; aggregate them by "
            f"{', '.join(AGGREGATIONS)}"
        )
    return asked or "vap"


def aggregate(
    features: Any,
    aggregation: str,
    expansion: int,
    stddev: float | None,
    policy: keras.DTypePolicy,
) -> tuple[Any, dict[str, Any]]:
    """Aggregates features `(B, N, d)` to the video feature `(B, d)`, with `weights` if any."""
    if aggregation == "average":
        return SegmentConsensus(dtype=policy, name="average")(features), {}
    pooling = (
        VariousTimescaleAggregationPooling(expansion, stddev, dtype=policy, name="vap")
        if aggregation == "vap"
        else VariousTimescaleInferencePooling(dtype=policy, name="vip")
    )
    video_feature, weights = pooling(features, return_weights=True)
    return video_feature, {"weights": weights}
