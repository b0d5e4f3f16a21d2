"""What all video classifiers share: frames in, cues, backbone, aggregation over time, logits."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import keras
from keras import layers, ops

from pan_keras import backbones
from pan_keras.backbones.input_normalisation import IMAGENET, InputNormalisation
from pan_keras.backbones.registry import unknown
from pan_keras.layers import (
    PersistenceOfAppearance,
    SegmentConsensus,
    VariousTimescaleAggregationPooling,
    VariousTimescaleInferencePooling,
    pool_timescales,
)
from pan_keras.models.cues import AppearanceCue, Cue, MotionCue

AGGREGATIONS = ("vap", "vip", "average")
# Standard deviation of the first weights of PA and VAP; None for the layers' own choice.
INITIALISATIONS = {"scaled": None, "reference": 0.001}


class VideoNetwork(keras.Model):
    """Classifies clips: cues of each segment, a backbone, one feature per clip, logits.

    Subclasses declare what the backbone sees, by `plan`.

    Normalisation is inside: the backbone's `normalisation`, or ImageNet's mean and deviation for
    a backbone that declares none. Dropout stands
    between the aggregation and the linear classifier: there it is the same for every aggregation,
    and VAP weighs the timescales by features that are whole.

    Args:
        classes: Number of classes.
        backbone: A model from maps `(B * N, H, W, C)` to features `(B * N, d)`, C being
            `cue_channels(stack)`; or the name of a registered one, which gets the temporal shift.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        size: Height and width of the frames in pixels, or one number for both.
        aggregation: `"vap"`, `"vip"` or `"average"`.
        expansion: Expansion ratio of VAP; the other aggregations have none.
        dropout: Share of the video feature that is dropped in training.
        seed: Seed of the dropout, for training that can be repeated. Networks that are trained as
            branches of one want a seed each, or they drop the same features.
        initialisation: First weights of PA and VAP: `"scaled"` to the number of their inputs (He et
            al. for PA, Glorot and Bengio for VAP), or the `"reference"`'s, normal with a standard
            deviation of 0.001, as those of the classifier are under either.
        dtype: Policy of all layers; the logits are float32 under every policy.

    Attributes:
        cues: What goes into the backbone, as data: its channels are those of the cues, one after
            the other. Whoever builds the network anew, such as the exporter, goes by it:
            an `AppearanceCue` is a frame, a `MotionCue` the PA by a layer of the network.
        normalisation: How bytes are scaled before the cues are taken.
        modality: What the network is called in checkpoints: `"lite"`, `"pa"` or `"rgb"`.

    Input shape:
        `(B, N, m, H, W, 3)`: RGB in 0..255, uint8 or float.

    Output shape:
        `(B, classes)`: logits, float32.

    Raises:
        ValueError: If the arguments do not fit each other.
    """

    modality = ""

    def __init__(
        self,
        *,
        classes: int,
        backbone: str | keras.Model,
        segments: int = 8,
        stack: int = 4,
        size: int | tuple[int, int] = 224,
        aggregation: str = "vap",
        expansion: int = 4,
        dropout: float = 0.5,
        seed: int | None = None,
        initialisation: str = "scaled",
        dtype=None,
        **kwargs,
    ):
        if aggregation not in AGGREGATIONS:
            raise unknown("aggregation", aggregation, AGGREGATIONS)
        if initialisation not in INITIALISATIONS:
            raise unknown("initialisation", initialisation, INITIALISATIONS)
        stddev = INITIALISATIONS[initialisation]
        policy = keras.dtype_policies.get(dtype)
        height, width = (size, size) if isinstance(size, int) else size
        channels = self.cue_channels(stack)
        if isinstance(backbone, str):
            backbone = backbones.create(backbone, channels, segments, dtype=policy)
        check_backbone(backbone, channels, segments)

        frames = keras.Input((segments, stack, height, width, 3), name="frames")
        stacks = ops.reshape(frames, (-1, stack, height * width, 3))
        normalisation = getattr(backbone, "normalisation", IMAGENET)
        cues = self.plan(stack)
        parts = cue_maps(cues, stacks, normalisation, height=height, policy=policy, stddev=stddev)
        motion = [part for cue, part in zip(cues, parts, strict=True) if isinstance(cue, MotionCue)]
        tensors = {"motion": motion[0]} if motion else {}
        rows = backbone(joined(parts))
        features = ops.reshape(rows, (-1, segments, rows.shape[-1]))
        tensors["features"] = features
        if aggregation == "average":
            video_feature = SegmentConsensus(dtype=policy, name="average")(features)
        else:
            pooling = (
                VariousTimescaleAggregationPooling(expansion, stddev, dtype=policy, name="vap")
                if aggregation == "vap"
                else VariousTimescaleInferencePooling(dtype=policy, name="vip")
            )
            video_feature, tensors["weights"] = pooling(features, return_weights=True)
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
        }
        self._tensors = tensors

    @classmethod
    def plan(cls, stack: int) -> tuple[Cue, ...]:
        """What goes into the backbone, in the order of its channels.

        Args:
            stack: Adjacent frames per segment, m.
        """
        raise NotImplementedError

    @classmethod
    def cue_channels(cls, stack: int) -> int:
        """Channels that the backbone sees, for stacks of m frames."""
        return sum(cue.channels for cue in cls.plan(stack))

    def intermediates(self, frames) -> dict:
        """The tensors between frames and logits, in inference mode.

        Args:
            frames: As the model's input.

        Returns:
            Those of `motion` `(B, N, H, W, m - 1)`, `features` `(B, N, d)`, `timescales`
            `(B, T, d)`, `weights` `(B, T)`, `video_feature` `(B, d)` and `logits` `(B, classes)`
            that the model has.
        """
        tensors = self._probe(frames, training=False)
        if "motion" in tensors:
            motion = tensors["motion"]
            tensors["motion"] = ops.reshape(motion, (-1, self.segments, *motion.shape[1:]))
        if "weights" in tensors:
            tensors["timescales"] = pool_timescales(tensors["features"])
        return tensors

    @cached_property
    def _probe(self):
        return keras.Model(self.input, dict(self._tensors))

    def get_config(self):
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
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})


def check_backbone(backbone, channels, segments):
    """Raises ValueError if a backbone does not fit the clips."""
    if backbone.input_shape[-1] != channels:
        raise ValueError(
            f"the backbone {backbone.name!r} takes {backbone.input_shape[-1]} channels, but this "
            f"network gives it {channels}; make it with channels={channels}"
        )
    if getattr(backbone, "segments", None) not in (None, segments):
        raise ValueError(
            f"the backbone {backbone.name!r} shifts over {backbone.segments} segments, but clips "
            f"have {segments}; make it with segments={segments}"
        )


def cue_maps(
    cues: Sequence[Cue],
    stacks: Any,
    normalisation: InputNormalisation,
    *,
    height: int,
    policy: keras.DTypePolicy,
    stddev: float | None,
) -> list[Any]:
    """The cues of a plan, `(B * N, H, W, channels)` each.

    Args:
        cues: The plan.
        stacks: `(B * N, m, H * W, 3)`, RGB in 0..255.
        normalisation: Of the frames.
        height: H.
        policy: Of the layers made.
        stddev: Standard deviation of PA's first kernels; None for the layer's own.
    """
    # Once for all cues; for a single one, of the frames that it needs.
    shared = len(cues) > 1
    seen = normalisation.apply(stacks) if shared else stacks
    maps = []
    for cue in cues:
        match cue:
            case AppearanceCue(frame):
                chosen = seen[:, frame]
            case MotionCue(first, last):
                whole = (first, last) == (0, seen.shape[1] - 1)
                chosen = seen if whole else seen[:, first : last + 1]
        chosen = unfold(chosen if shared else normalisation.apply(chosen), height)
        if isinstance(cue, MotionCue):
            chosen = PersistenceOfAppearance(stddev=stddev, dtype=policy, name=cue.layer)(chosen)
        maps.append(chosen)
    return maps


def joined(parts: Sequence[Any]) -> Any:
    """Cues as the channels of one map, of the last one's type."""
    if len(parts) == 1:
        return parts[0]
    return ops.concatenate([ops.cast(part, parts[-1].dtype) for part in parts], axis=-1)


def unfold(frames, height: int):
    """(..., H * W, 3) -> (..., H, W, 3)."""
    *leading, positions, channels = frames.shape
    return ops.reshape(frames, (-1, *leading[1:], height, positions // height, channels))
