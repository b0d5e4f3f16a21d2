"""The typed configuration of a training run."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictFloat, StrictInt

from pan_keras.clips.clip_shape import Fit, MotionField
from pan_keras.clips.resizing import RESIZING, Resizing
from pan_keras.config.section import Kind, Text, section, shown
from pan_keras.config.tables import to_tables, to_toml
from pan_keras.errors import UserError

# Stands in files that `to_toml` writes; those of the first versions have none.
FORMAT = 2
LARGEST_CLIP = 2**30  # bytes
FRESH = "none"  # model.weights for a network that starts from nothing

Share = Annotated[StrictFloat, Field(ge=0, lt=1)]
Pixels = Annotated[StrictInt, Field(ge=1, le=8192)]


def _square(size: Any) -> Any:
    return (size, size) if type(size) is int else size


def _not_boolean(version: Any) -> Any:
    """To Python, and so to a Literal, true is 1."""
    if isinstance(version, bool):
        raise ValueError(version)
    return version


@section
@dataclass(frozen=True)
class DataConfig:
    """Where the clips come from.

    Args:
        source: Name of a data set card, a folder of class folders, or a CSV file.
        root: Folder that holds the card's videos; `""` for a folder or CSV that is its own root.
        split_seed: Seed of the split, where the data bring none.
        max_broken: Share of unreadable files above which the run stops.
        cue: What the network sees, for networks that see one cue: `rgb`, `pa` or `difference`,
            which `tsn_*` and `tsm_*`, `pa_*` and `difference_*` make of frames themselves; or, for
            `flow_*`, the motion field: `vectors` of the codec, or flow by `dis` (dense inverse
            search, OpenCV's medium preset), `dis_fast`, `dis_ultrafast`, `farneback` or `tvl1`. If
            absent, what the name of the network stands for.
        cache: Where decoded clips are kept: not at all, in memory, or in `cache` of the run folder.
            Motion fields are kept on disk under each setting.
        cue_folder: Where motion fields are kept, which runs on the same clips may share; if empty,
            `cache` of the run folder.
        workers: Clips prepared at the same time.
    """

    source: Text = "motions"
    root: Text = ""
    split_seed: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)] = 0
    max_broken: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.05
    cue: Literal["rgb", "pa", "difference", MotionField] | None = None
    cache: Literal["none", "memory", "disk"] = "memory"
    cue_folder: Text = ""
    workers: Annotated[StrictInt, Field(ge=1, le=256)] = 2


@section
@dataclass(frozen=True)
class ModelConfig:
    """Which network, on how many frames of which size.

    Args:
        name: A name that `pan_keras.models.names()` lists.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        size: Height and width of a frame in pixels, as the network sees it.
        resize: Shorter side in pixels to which a frame is resized before `size` is cropped.
        fit: How frames of other proportions become `size`: `crop` cuts it out of them; `letterbox`
            scales them into it, with black bars; `squash` scales them to it, distorted. The
            last two show the network the whole frame, and `resize` serves full resolution alone.
        resizing: Version of the arithmetic that scales frames; 1 is that of earlier runs.
        dropout: Share of features dropped in training.
        shift: Temporal shift in the backbone; if absent, what the name stands for.
        causal: Whether the shift looks at the past alone; if absent, it does not.
        aggregation: `vap`, `vip` or `average`; if absent, what the name stands for.
        weights: Where training starts: a run folder or `.keras` file, whose layers are taken where
            they fit; a checkpoint of an image network or of the authors' code, a `.h5` or `.keras`
            file of keras.applications, or `imagenet`, for the backbone; `auto` for `imagenet` where
            the backbone has such weights; `none` for fresh ones.
        width: Multiplier of the backbone's channels, for backbones that have one; if absent, 1.
        initialisation: First weights of PA and VAP: `scaled` to the number of their inputs, or as
            small as in the authors' code (`reference`).
        motion_depth: Basic convolution layers of PA: 0, 1, 2, 4 or 8; if absent, 1.
        motion_encoding: `e1`, the maps of PA, or `e2`, feature maps that it attends to; if absent,
            e1.
        motion_kernel: Height and width of the kernels of PA in pixels, odd; if absent, 7.
    """

    name: Text = "pan_lite_micro"
    segments: Annotated[StrictInt, Field(ge=1, le=1024)] = 8
    stack: Annotated[StrictInt, Field(ge=1, le=1024)] = 4
    size: Annotated[
        tuple[Pixels, Pixels], Kind("[height, width] or one number"), BeforeValidator(_square)
    ] = (224, 224)
    resize: Pixels = 256
    fit: Fit = "crop"
    resizing: Annotated[Resizing, BeforeValidator(_not_boolean)] = RESIZING
    dropout: Share = 0.5
    shift: StrictBool | None = None
    causal: StrictBool | None = None
    aggregation: Literal["vap", "vip", "average"] | None = None
    # Earlier versions wrote nothing between the quotes.
    weights: Annotated[Text, AfterValidator(lambda text: text or FRESH)] = FRESH
    width: Annotated[StrictFloat, Field(gt=0, le=16)] | None = None
    initialisation: Literal["scaled", "reference"] = "scaled"
    motion_depth: Annotated[Literal[0, 1, 2, 4, 8], BeforeValidator(_not_boolean)] | None = None
    motion_encoding: Literal["e1", "e2"] | None = None
    motion_kernel: Annotated[StrictInt, Field(ge=1, le=31)] | None = None

    def __post_init__(self) -> None:
        if self.fit != "crop" and self.resizing == 1:
            raise UserError(
                f"model.fit is {self.fit}, which model.resizing = 1 does not support; set it to 2"
            )
        height, width = self.size
        clip = self.segments * self.stack * height * width * 3
        if clip > LARGEST_CLIP:
            raise UserError(
                f"model: a clip of {self.segments} x {self.stack} frames of {height} x {width} "
                f"pixels has {clip / 2**30:.0f} GiB, and the limit is 1; lower segments, stack or "
                "size"
            )


@section
@dataclass(frozen=True)
class AugmentationConfig:
    """How a training clip is varied; all its frames alike, but for the exposure.

    Args:
        crop: `random`, `multiscale` (corners and scales of the paper) or `centre`.
        flip: Mirror half of the clips; refused where the card forbids it. If absent, as the card
            says, and not at all without a card.
        brightness: Largest change of brightness, as a share of the full range.
        contrast: Largest relative change of contrast.
        rotation: Largest turn in degrees, either way.
        zoom: Largest relative change of size.
        exposure: How far the light wanders over a clip: standard deviation of its logarithm.
        sampling: `random` start within each segment, or `dense`.
        validation_sampling: `spread` over the clip, as in testing; or `central` as in the authors'
            code, which differs for clips of hardly more frames than segments: these begin N times
            at their first frame.
    """

    crop: Literal["random", "multiscale", "centre"] = "random"
    flip: StrictBool | None = None
    brightness: Share = 0.0
    contrast: Share = 0.0
    rotation: Annotated[StrictFloat, Field(ge=0, lt=180)] = 0.0
    zoom: Share = 0.0
    exposure: Share = 0.0
    sampling: Literal["random", "dense"] = "random"
    validation_sampling: Literal["spread", "central"] = "spread"


@section
@dataclass(frozen=True)
class OptimisationConfig:
    """How long and how fast the weights move.

    Args:
        seed: Seed of weights, order, sampling, augmentation and dropout.
        epochs: Passes over the training clips; if absent, as many as the paper takes: 80, of
            networks on RGB alone 50, of data with fewer than 20,000 training clips half.
        batch: Clips per step.
        accumulate: Parts that a batch is worked through in, to need less memory; the gradient of
            the step is their mean. Batch normalisation sees one part at a time.
        optimizer: `adamw`, or `sgd` with momentum 0.9 and the paper's rates and decays for each
            kind of weight.
        learning_rate: Highest learning rate.
        first_rate: Learning rate of the backbone's first layer as a share of `learning_rate`, which
            its last layer, PA and the head have; between them it rises geometrically. For a
            backbone that starts from other weights.
        freeze: Share of the backbone's layers, counted from its input, that keep the weights that
            they start with; 1 for all of them.
        reference_batch: Batch that `learning_rate` is meant for: with another batch it is scaled in
            proportion. 0: it is taken as it is.
        warmup: Epochs over which the rate first rises from zero.
        schedule: How the rate then falls: to zero as half a `cosine`, or to a tenth at each of the
            milestones (`steps`).
        milestones: Shares of the epochs, for `steps`; if empty, those of the paper.
        weight_decay: Decay of matrices and kernels; norms and biases are spared.
        clip_norm: Gradients are scaled down to this norm over all weights; 0: never.
        label_smoothing: Share of the target that is spread over all classes.
        mixup: Parameter of the Beta distribution by which the clips of a batch are blended in
            pairs; for small data sets, with twice the epochs. 0: never.
        class_weights: Whether clips of rare classes count for more, so that all classes count
            alike.
        average: Share of the old value that stays in a moving average of the weights, such as
            0.999; the average is validated and saved. 0: none.
        keep: Which epoch becomes `model.keras`: the `best` validation accuracy (of equal ones the
            lowest loss), the lowest validation `loss`, or the `last`. `auto`: the last, unless
            its validation accuracy is below the 95 % interval of the best; the best where
            `patience` stops the training.
        patience: Epochs without a better validation result after which training stops; 0: never.
        precision: `float32`, or arithmetic in half precision on weights in full.
        deterministic: Whether a GPU gives the same bits each time, which resuming to the bit needs;
            some operations are slower so. A CPU always does.
        jit: Whether XLA compiles the training step.
        checkpoint_seconds: A checkpoint is written when this long has passed since the last,
            and at the end of each epoch.
    """

    seed: Annotated[StrictInt, Field(ge=0, le=2**32 - 1)] = 0
    epochs: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    batch: Annotated[StrictInt, Field(ge=1, le=65_536)] = 8
    accumulate: Annotated[StrictInt, Field(ge=1, le=65_536)] = 1
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Annotated[StrictFloat, Field(gt=0, le=1e6)] = 1e-3
    first_rate: Annotated[StrictFloat, Field(gt=0, le=1)] = 1.0
    freeze: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.0
    reference_batch: Annotated[StrictInt, Field(ge=0, le=65_536)] = 0
    warmup: Annotated[StrictFloat, Field(ge=0, le=1e6)] = 0.0
    schedule: Literal["cosine", "steps"] = "cosine"
    milestones: tuple[Annotated[StrictFloat, Field(gt=0, lt=1)], ...] = ()
    weight_decay: Annotated[StrictFloat, Field(ge=0, le=1e6)] = 1e-3
    clip_norm: Annotated[StrictFloat, Field(ge=0, le=1e12)] = 0.0
    label_smoothing: Share = 0.0
    mixup: Annotated[StrictFloat, Field(ge=0, le=1000)] = 0.0
    class_weights: StrictBool = False
    average: Share = 0.0
    keep: Literal["auto", "best", "loss", "last"] = "auto"
    patience: Annotated[StrictInt, Field(ge=0, le=1_000_000)] = 0
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    deterministic: StrictBool = True
    jit: StrictBool = False
    checkpoint_seconds: Annotated[StrictFloat, Field(ge=0, le=1e9)] = 300.0

    def __post_init__(self) -> None:
        if self.batch % self.accumulate:
            raise UserError(
                f"training.accumulate is {self.accumulate}, which does not divide "
                f"training.batch, {self.batch}, into equal parts; change one of them"
            )
        marks = list(self.milestones)
        if marks and self.schedule != "steps":
            raise UserError(
                f"training.milestones is {shown(marks)}, but training.schedule is "
                f"{self.schedule}; set it to steps"
            )
        if marks != sorted(set(marks)):
            raise UserError(
                f"training.milestones is {shown(marks)}; it must be increasing fractions "
                "of the epochs, between 0 and 1"
            )


@section
@dataclass(frozen=True)
class Config:
    """All that decides a training run, in four sections.

    `load_config` and `make_config` put one together from a recipe and what differs from it;
    `Config()` has the defaults of the fields.

    Args:
        data: Where the clips come from.
        model: Which network, on how many frames of which size.
        augmentation: How a training clip is varied.
        training: How long and how fast the weights move.

    Example:
        >>> config = load_config(overrides=["training.seed=7", "model.size=[72, 96]"])
        >>> config.training.seed, config.model.size
        (7, (72, 96))
        >>> config.to_tables()["training"]["seed"], "seed = 7" in config.to_toml()
        (7, True)
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    training: OptimisationConfig = field(default_factory=OptimisationConfig)

    def to_tables(self) -> dict[str, dict[str, Any]]:
        """The configuration as tables.

        Returns:
            Values by section and key, without those that are None.
        """
        return to_tables(self)

    def to_toml(self) -> str:
        """The configuration as a file that `read_config` reads back unchanged.

        Returns:
            TOML.
        """
        return to_toml(self, format=FORMAT)
