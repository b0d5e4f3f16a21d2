"""The typed configuration of a training run."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictFloat, StrictInt

from pan_keras.clips.clip_shape import Fit, MotionField
from pan_keras.clips.resizing import RESIZING, Resizing
from pan_keras.config.section import Kind, Text, section, shown
from pan_keras.config.tables import to_tables, to_toml
from pan_keras.errors import UserError

# Written by `to_toml`; files of the first versions have no format.
FORMAT = 2
LARGEST_CLIP = 2**30  # bytes
FRESH = "none"  # model.weights for random initialisation

Share = Annotated[StrictFloat, Field(ge=0, lt=1)]
Pixels = Annotated[StrictInt, Field(ge=1, le=8192)]


def _square(size: Any) -> Any:
    return (size, size) if type(size) is int else size


def _not_boolean(version: Any) -> Any:
    """Refuses booleans: Python, and so a Literal, takes true for 1."""
    if isinstance(version, bool):
        raise ValueError(version)
    return version


@section
@dataclass(frozen=True)
class DataConfig:
    """Where the clips come from.

    Args:
        source: Name of a data set card, a folder of class folders, or a CSV file.
        root: Folder of the card's videos; `""` for a folder or CSV that is its own root.
        split_seed: Seed of the split, for data without a split of their own.
        fold: Official fold of a data set card with folds, such as ucf101; if absent, the first.
        max_broken: Share of unreadable files above which the run stops.
        cue: Input of a network with a single cue: `rgb` (`tsn_*`, `tsm_*`), `pa` (`pa_*`) or
            `difference` (`difference_*`), which the network computes from frames; or, for `flow_*`,
            the motion field: motion vectors of the codec (`vectors`), or optical flow by `dis`
            (dense inverse search, OpenCV's medium preset), `dis_fast`, `dis_ultrafast`,
            `farneback` or `tvl1`. If absent, the network's name decides.
        cache: Where decoded clips are cached: not at all, in memory, or in the folder `cache` of
            the run. Motion fields are cached on disk in any case.
        cue_folder: Folder of cached motion fields, which runs on the same clips can share; if
            empty, `cache` of the run folder.
        workers: Number of clips prepared in parallel.
    """

    source: Text = "motions"
    root: Text = ""
    split_seed: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)] = 0
    fold: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    max_broken: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.05
    cue: Literal["rgb", "pa", "difference", MotionField] | None = None
    cache: Literal["none", "memory", "disk"] = "memory"
    cue_folder: Text = ""
    workers: Annotated[StrictInt, Field(ge=1, le=256)] = 2


@section
@dataclass(frozen=True)
class ModelConfig:
    """The network, and the number and size of its frames.

    Args:
        name: A name that `pan_keras.models.names()` lists.
        segments: Segments per clip, N.
        stack: Adjacent frames per segment, m.
        size: Height and width in pixels of the frames that the network takes.
        resize: Shorter side in pixels to which a frame is resized before `size` is cropped.
        fit: How frames of another aspect ratio are fitted to `size`: `crop` crops them;
            `letterbox` scales them to fit inside and adds black bars; `squash` scales them without
            keeping the aspect ratio. The last two show the network the whole frame, and use
            `resize` for full resolution only.
        resizing: Version of the resizing arithmetic; 1 is that of earlier runs.
        dropout: Share of features dropped in training.
        shift: Whether the backbone has the temporal shift; if absent, the network's name decides.
        causal: Whether the shift uses past segments only; if absent, it does not.
        aggregation: `vap`, `vip` or `average`; if absent, the network's name decides.
        weights: Initial weights: a run folder or `.keras` file, whose weights are loaded into all
            layers that match; for the backbone, a checkpoint of an image network or of the
            authors' code, a `.h5` or `.keras` file of keras.applications, or `imagenet`; `auto`
            for `imagenet` if the backbone has such weights; `none` for random initialisation.
        width: Width multiplier of the backbone's channels, if it has one; if absent, 1.
        initialisation: Initialisation of PA and VAP: `scaled` by their fan-in, or with the small
            values of the authors' code (`reference`).
        motion_depth: Basic convolution layers of PA: 0, 1, 2, 4 or 8; if absent, 1.
        motion_encoding: `e1`, the PA maps, or `e2`, feature maps with PA as attention; if absent,
            e1.
        motion_kernel: Height and width of PA's kernels in pixels, odd; if absent, 7.
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
    # Earlier versions wrote an empty string for none.
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
    """Augmentation of training clips, the same for all frames of a clip except for exposure.

    Args:
        crop: `random`, `multiscale` (corners and scales of the paper) or `centre`.
        flip: Whether half of the clips are mirrored; an error if the card forbids it. If absent,
            the card decides; without a card, clips are not mirrored.
        brightness: Largest change of brightness, as a share of the full range.
        contrast: Largest relative change of contrast.
        rotation: Largest rotation in degrees, in either direction.
        zoom: Largest relative change of scale.
        exposure: Standard deviation of the logarithm of brightness, which drifts over a clip.
        blur: Largest standard deviation of a Gaussian blur, in pixels of the model's input; needs
            the extra `tensorflow-io`. Motion fields are not blurred.
        sampling: `random` start within each segment, or `dense`.
        validation_sampling: `spread` over the clip, as in testing; or `central`, as in the
            authors' code, which differs for clips with hardly more frames than segments: all N
            segments of these start at the first frame.
    """

    crop: Literal["random", "multiscale", "centre"] = "random"
    flip: StrictBool | None = None
    brightness: Share = 0.0
    contrast: Share = 0.0
    rotation: Annotated[StrictFloat, Field(ge=0, lt=180)] = 0.0
    zoom: Share = 0.0
    exposure: Share = 0.0
    blur: Annotated[StrictFloat, Field(ge=0, le=8)] = 0.0
    sampling: Literal["random", "dense"] = "random"
    validation_sampling: Literal["spread", "central"] = "spread"


@section
@dataclass(frozen=True)
class OptimisationConfig:
    """Optimisation: epochs, batch, optimizer, learning-rate schedule and regularisation.

    Args:
        seed: Seed of weights, order, sampling, augmentation and dropout.
        epochs: Passes over the training clips; if absent, as in the paper: 80, or 50 for networks
            on RGB only, and half of that for data with fewer than 20,000 training clips.
        batch: Clips per step.
        accumulate: Number of equal parts in which a batch is processed, to save memory; their
            gradients are averaged. Batch normalisation sees one part at a time.
        synchronised_normalisation: Whether batch normalisation takes its statistics over all
            workers (`--workers`), so that results depend less on their number; slower. Otherwise
            each worker uses those of its own clips, and the first worker's are saved. A single
            worker has nothing to synchronise.
        optimizer: `adamw`, or `sgd` with momentum 0.9 and the paper's learning rate and weight
            decay for each kind of weight.
        learning_rate: Highest learning rate.
        first_rate: Learning rate of the backbone's first layer as a share of `learning_rate`, which
            applies to its last layer, PA and the head; between them it rises geometrically. Useful
            for a pretrained backbone.
        freeze: Share of the backbone's layers, counted from its input, whose weights are frozen; 1
            for all of them.
        reference_batch: Batch size that `learning_rate` is meant for: with another batch size it is
            scaled in proportion. 0: no scaling.
        warmup: Epochs of linear warm-up from zero.
        schedule: Learning-rate decay after the warm-up: to zero along half a `cosine`, or to a
            tenth at each of the milestones (`steps`).
        milestones: Shares of the epochs, for `steps`; if empty, those of the paper.
        weight_decay: Decay of matrices and kernels; normalisation parameters and biases have none.
        clip_norm: Global norm to which gradients are clipped; 0: no clipping.
        label_smoothing: Share of the target that is spread over all classes.
        mixup: Parameter of the Beta distribution by which pairs of clips in a batch are blended;
            for small data sets, with twice the epochs. 0: no mixup.
        class_weights: Whether clips of rare classes weigh more, so that all classes have the same
            total weight.
        average: Decay of an exponential moving average of the weights, such as 0.999; the average
            is validated and saved. 0: no average.
        keep: Which epoch becomes `model.keras`: the `best` validation accuracy (on ties, the lowest
            loss), the lowest validation `loss`, or the `last`. `auto`: the last, unless its
            validation accuracy is below the 95 % interval of the best; the best if `patience`
            stops the training.
        patience: Epochs without a better validation result after which training stops; 0: never.
        false_alarms: Largest share of clips with a wrong answer; from it, the threshold of the
            answer `unknown` is chosen on the validation clips after training. 0: no threshold.
        precision: `float32`, or mixed precision: half-precision arithmetic on float32 weights.
        deterministic: Whether a GPU computes deterministically, which bit-exact resume needs; some
            operations are slower. A CPU always does.
        jit: Whether XLA compiles the training step.
        checkpoint_seconds: Seconds between checkpoints; another is written at the end of each
            epoch.
    """

    seed: Annotated[StrictInt, Field(ge=0, le=2**32 - 1)] = 0
    epochs: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    batch: Annotated[StrictInt, Field(ge=1, le=65_536)] = 8
    accumulate: Annotated[StrictInt, Field(ge=1, le=65_536)] = 1
    synchronised_normalisation: StrictBool = False
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
    false_alarms: Share = 0.0
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
    """The complete configuration of a training run, in four sections.

    `load_config` and `make_config` build one from a recipe and overrides; `Config()` has the
    defaults of the fields.

    Args:
        data: Where the clips come from.
        model: The network, and the number and size of its frames.
        augmentation: Augmentation of training clips.
        training: Epochs, batch, optimizer, learning-rate schedule and regularisation.

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
        """Returns the configuration as tables.

        Returns:
            Values by section and key, without those that are None.
        """
        return to_tables(self)

    def to_toml(self) -> str:
        """Returns the configuration as a file that `read_config` reads back unchanged.

        Returns:
            TOML.
        """
        return to_toml(self, format=FORMAT)
