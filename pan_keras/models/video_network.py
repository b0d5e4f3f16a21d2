"""What all video classifiers share: frames in, cues, backbone, aggregation over time, logits."""

from functools import cached_property

import keras
from keras import layers, ops

from pan_keras import backbones
from pan_keras.backbones.registry import unknown
from pan_keras.layers import (
    PersistenceOfAppearance,
    SegmentConsensus,
    VariousTimescaleAggregationPooling,
    VariousTimescaleInferencePooling,
    pool_timescales,
)

# Of ImageNet, per RGB channel, in units of the full range.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
AGGREGATIONS = ("vap", "vip", "average")
# Standard deviation of the first weights of PA and VAP; None for the layers' own choice.
INITIALISATIONS = {"scaled": None, "reference": 0.001}


class VideoNetwork(keras.Model):
    """Classifies clips: cues of each segment, a backbone, one feature per clip, logits.

    Subclasses say what the backbone sees, by `cues` and `cue_channels`.

    Normalisation (scaling to 0..1, ImageNet's mean and deviation) is inside. Dropout stands
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

    Input shape:
        `(B, N, m, H, W, 3)`: RGB in 0..255, uint8 or float.

    Output shape:
        `(B, classes)`: logits, float32.

    Raises:
        ValueError: If the arguments do not fit each other.
    """

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
        tensors = self.cues(stacks, height, policy, stddev)
        rows = backbone(tensors.pop("maps"))
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

    @staticmethod
    def cue_channels(stack: int) -> int:
        """Channels that the backbone sees, for stacks of m frames."""
        raise NotImplementedError

    @staticmethod
    def cues(stacks, height: int, policy, stddev: float | None = None) -> dict:
        """What the backbone sees.

        Args:
            stacks: `(B * N, m, H * W, 3)` in 0..255.
            height: H.
            policy: Of the layers made.
            stddev: Standard deviation of PA's first kernels; None for the layer's own.

        Returns:
            `maps` `(B * N, H, W, C)`, and `motion` `(B * N, H, W, m - 1)` where PA is computed.
        """
        raise NotImplementedError

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


def normalise(frames):
    """Brings RGB in 0..255 to ImageNet's mean 0 and deviation 1, in float32."""
    scale = [1 / (255 * deviation) for deviation in DEVIATION]
    offset = [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)]
    # In float32 under every policy: half precision would blur the differences of frames, which
    # `PersistenceOfAppearance` takes before it casts.
    return layers.Rescaling(scale, offset, dtype="float32", name="normalisation")(frames)


def unfold(frames, height: int):
    """(..., H * W, 3) -> (..., H, W, 3)."""
    *leading, positions, channels = frames.shape
    return ops.reshape(frames, (-1, *leading[1:], height, positions // height, channels))


def motion_of(stacks, height: int, policy, stddev: float | None):
    """PA (B * N, H, W, m - 1) of normalised stacks (B * N, m, H * W, 3)."""
    pa = PersistenceOfAppearance(stddev=stddev, dtype=policy, name="persistence_of_appearance")
    return pa(unfold(stacks, height))
