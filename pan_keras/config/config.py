"""The typed configuration of a training run, and how it is put together."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tomli_w

from pan_keras.clips.clip_shape import Fit
from pan_keras.clips.resizing_steps import RESIZING, Resizing
from pan_keras.config.config_values import bounded, check_bounds, shown
from pan_keras.config.settings import assemble, override
from pan_keras.errors import UserError

RECIPES = Path(__file__).parent / "recipes"
# Stands in files that `to_toml` writes. They are complete: a key that is left out has the default
# of its section. In files of earlier versions it has that of the recipe `small` as it was.
FORMAT = 2
EARLIER = {
    "model": {
        "name": "pan_lite_micro",
        "segments": 8,
        "stack": 3,
        "size": [72, 96],
        "resize": 84,
        "fit": "crop",
        "resizing": 1,
        "dropout": 0.3,
    },
    "augmentation": {"crop": "random", "flip": False, "brightness": 0.2, "contrast": 0.2},
    "training": {"epochs": 50, "batch": 8, "learning_rate": 2e-3, "weight_decay": 1e-3},
}
LARGEST_FILE = 1_000_000  # bytes of a TOML file
LARGEST_CLIP = 2**30  # bytes
FRESH = "none"  # model.weights for a network that starts from nothing
SHARE = {"least": 0, "below": 1}


@dataclass(frozen=True)
class DataConfig:
    """Where the clips come from.

    Args:
        source: Name of a data set card, a folder of class folders, or a CSV file.
        root: Folder that holds the card's videos; `""` for a folder or CSV that is its own root.
        split_seed: Seed of the split, where the data bring none.
        max_broken: Share of unreadable files above which the run stops.
        cache: Where decoded clips are kept: not at all, in memory, or in `cache` of the run folder.
        workers: Clips prepared at the same time.
    """

    source: str = "motions"
    root: str = ""
    split_seed: int = bounded(0, least=0, most=2**63 - 1)
    max_broken: float = bounded(0.05, least=0, most=1)
    cache: Literal["none", "memory", "disk"] = "memory"
    workers: int = bounded(2, least=1, most=256)


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
            they fit; a checkpoint of an image network or of the authors' code, or `imagenet`, for
            the backbone; `auto` for `imagenet` where the backbone has such weights; `none` for
            fresh ones.
        width: Multiplier of the backbone's channels, for backbones that have one; if absent, 1.
        initialisation: First weights of PA and VAP: `scaled` to the number of their inputs, or as
            small as in the authors' code (`reference`).
    """

    name: str = "pan_lite_micro"
    segments: int = bounded(8, least=1, most=1024)
    stack: int = bounded(4, least=1, most=1024)
    size: tuple[int, int] = bounded((224, 224), least=1, most=8192)
    resize: int = bounded(256, least=1, most=8192)
    fit: Fit = "crop"
    resizing: Resizing = RESIZING
    dropout: float = bounded(0.5, **SHARE)
    shift: bool | None = None
    causal: bool | None = None
    aggregation: Literal["vap", "vip", "average"] | None = None
    weights: str = FRESH
    width: float | None = bounded(None, above=0, most=16)
    initialisation: Literal["scaled", "reference"] = "scaled"

    def __post_init__(self):
        # Earlier versions wrote nothing between the quotes.
        object.__setattr__(self, "weights", self.weights or FRESH)


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
    flip: bool | None = None
    brightness: float = bounded(0.0, **SHARE)
    contrast: float = bounded(0.0, **SHARE)
    rotation: float = bounded(0.0, least=0, below=180)
    zoom: float = bounded(0.0, **SHARE)
    exposure: float = bounded(0.0, **SHARE)
    sampling: Literal["random", "dense"] = "random"
    validation_sampling: Literal["spread", "central"] = "spread"


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

    seed: int = bounded(0, least=0, most=2**32 - 1)
    epochs: int | None = bounded(None, least=1, most=1_000_000)
    batch: int = bounded(8, least=1, most=65_536)
    accumulate: int = bounded(1, least=1, most=65_536)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = bounded(1e-3, above=0, most=1e6)
    reference_batch: int = bounded(0, least=0, most=65_536)
    warmup: float = bounded(0.0, least=0, most=1e6)
    schedule: Literal["cosine", "steps"] = "cosine"
    milestones: tuple[float, ...] = bounded((), above=0, below=1)
    weight_decay: float = bounded(1e-3, least=0, most=1e6)
    clip_norm: float = bounded(0.0, least=0, most=1e12)
    label_smoothing: float = bounded(0.0, **SHARE)
    mixup: float = bounded(0.0, least=0, most=1000)
    class_weights: bool = False
    average: float = bounded(0.0, **SHARE)
    keep: Literal["auto", "best", "loss", "last"] = "auto"
    patience: int = bounded(0, least=0, most=1_000_000)
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    deterministic: bool = True
    jit: bool = False
    checkpoint_seconds: float = bounded(300.0, least=0, most=1e9)


@dataclass(frozen=True)
class Config:
    """All that decides a training run, in four sections.

    Example:
        >>> config = load_config(overrides=["training.seed=7", "model.size=[72, 96]"])
        >>> config.training.seed, config.model.size
        (7, (72, 96))
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    training: OptimisationConfig = field(default_factory=OptimisationConfig)

    def __post_init__(self):
        for item in dataclasses.fields(self):
            check_bounds(getattr(self, item.name), item.name)
        _check_model(self.model)
        _check_steps(self.training)

    def to_tables(self) -> dict[str, dict[str, Any]]:
        """The configuration by section and key; what is absent is left out."""
        return {
            name: {key: value for key, value in values.items() if value is not None}
            for name, values in dataclasses.asdict(self).items()
        }

    def to_toml(self) -> str:
        """The configuration as a file that `read_config` reads back as it is."""
        return tomli_w.dumps({"format": FORMAT, **self.to_tables()})


def recipes() -> list[str]:
    """Names of the configurations that ship with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_config(
    recipe: str = "small",
    card: Mapping[str, Any] | None = None,
    file: Path | None = None,
    overrides: Iterable[str] = (),
    sections: Mapping[str, Mapping[str, Any]] | None = None,
) -> Config:
    """Puts a configuration together; what comes later wins.

    Args:
        recipe: Name of a shipped configuration, the ground.
        card: Training defaults of a data set card, by section.
        file: TOML file of the user. That of a run is complete: recipe and card do not count.
        overrides: `section.key=value` strings, values as in TOML (a bare word is a string).
        sections: Values by section and key, as a program gives them.

    Raises:
        UserError: If a key is unknown, or a value of the wrong type or out of bounds.
    """
    if recipe not in recipes():
        raise UserError(f"config {recipe}: no such file or recipe; the recipes are {recipes()}")
    layers = [
        (f"recipe {recipe}", read_toml(RECIPES / f"{recipe}.toml")),
        ("the data set card", dict(card or {})),
    ]
    if file is not None:
        tables, complete = _without_format(read_toml(file), file)
        layers = [*([] if complete else layers), (str(file), tables)]
    layers += [(f"--set {item}", override(item)) for item in overrides]
    return assemble(Config, [*layers, ("keyword sections", dict(sections or {}))])


def make_config(source: str | Path | None = None, **sections: Mapping[str, Any]) -> Config:
    """Puts a configuration together in Python, over the recipe `small`.

    Args:
        source: Data set card, folder or CSV file; the same as `data={"source": source}`.
        **sections: Values by section: `data`, `model`, `augmentation`, `training`.

    Raises:
        UserError: If a section or key is unknown, or a value of the wrong type or out of bounds.

    Example:
        >>> config = make_config("videos", training={"epochs": 20}, model={"size": 112})
        >>> config.data.source, config.training.epochs, config.model.size
        ('videos', 20, (112, 112))
    """
    if source is not None:
        sections["data"] = {"source": str(source), **sections.get("data", {})}
    return load_config(sections=sections)


def read_config(file: Path) -> Config:
    """Reads the configuration of a run, as `Config.to_toml` or an earlier version wrote it.

    Raises:
        UserError: If it is not one.

    Example:
        >>> read_config(Path("runs/demo/config.toml")).training.seed
        0
    """
    tables, complete = _without_format(read_toml(file), file)
    try:
        return assemble(Config, [*([] if complete else [("", EARLIER)]), (str(file), tables)])
    except UserError as error:
        # What the sections say together is out of bounds, whichever file says it.
        raise UserError(f"{file}: {str(error).removeprefix(f'{file}: ')}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file; what is wrong with it becomes one sentence."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: no file; give a TOML file or one of {recipes()}")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise UserError(f"{path}: larger than a megabyte; give a file of settings")
        return tomllib.loads(content.decode("utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give a TOML file or one of {recipes()}") from None
    except RecursionError:
        raise UserError(f"{path}: nested too deeply for a file of settings; fix it") from None
    except (ValueError, OSError) as error:
        # Besides TOMLDecodeError also what Python says of undecodable bytes and endless numbers.
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: not readable as TOML ({reason}); fix the file") from None


def _without_format(tables: dict[str, Any], file: Path) -> tuple[dict[str, Any], bool]:
    """The sections of a file, and whether it says that they are complete."""
    sections = {name: table for name, table in tables.items() if name != "format"}
    given = tables.get("format")
    if given not in (None, FORMAT):
        raise UserError(
            f"{file}: format is {shown(given)}, and this version reads {FORMAT}; use a newer one"
        )
    return sections, given is not None


def _check_model(model: ModelConfig) -> None:
    if model.fit != "crop" and model.resizing == 1:
        raise UserError(
            f"model.fit is {model.fit}, which model.resizing = 1 does not have; set it to 2"
        )
    height, width = model.size
    clip = model.segments * model.stack * height * width * 3
    if clip > LARGEST_CLIP:
        raise UserError(
            f"model: a clip of {model.segments} x {model.stack} frames of {height} x {width} "
            f"pixels has {clip / 2**30:.0f} GiB, and the most is 1; lower segments, stack or size"
        )


def _check_steps(training: OptimisationConfig) -> None:
    if training.batch % training.accumulate:
        raise UserError(
            f"training.accumulate is {training.accumulate}, which does not divide training.batch, "
            f"{training.batch}, into equal parts; change one of them"
        )
    marks = training.milestones
    if marks and training.schedule != "steps":
        raise UserError(
            f"training.milestones is {shown(list(marks))}, but training.schedule is "
            f"{training.schedule}; set it to steps"
        )
    if list(marks) != sorted(set(marks)):
        raise UserError(
            f"training.milestones is {shown(list(marks))}; it must be shares of the epochs, "
            "between 0 and 1 and rising"
        )
