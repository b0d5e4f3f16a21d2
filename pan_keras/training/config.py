"""The typed configuration of a training run, and how it is put together."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pan_keras.data.clip_shape import Fit
from pan_keras.data.resizing_steps import RESIZING, Resizing
from pan_keras.errors import UserError
from pan_keras.training.config_values import check_ranges, to_toml
from pan_keras.training.settings import assemble, override

RECIPES = Path(__file__).parent / "configs"
# What the `config.toml` of a run stands for where it says nothing: runs of before these keys came.
UNSAID = {"model": {"fit": "crop", "resizing": 1}}


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
    split_seed: int = 0
    max_broken: float = 0.05
    cache: Literal["none", "memory", "disk"] = "memory"
    workers: int = 2


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
        causal: Whether the shift looks at the past alone.
        aggregation: `vap`, `vip` or `average`; if absent, what the name stands for.
        weights: Where training starts: a run folder or `.keras` file, whose layers are taken where
            they fit; a checkpoint of an image network or of the authors' code, or `imagenet`, for
            the backbone; `""` for fresh weights.
        width: Multiplier of the backbone's channels, for backbones that have one; if absent, 1.
    """

    name: str = "pan_lite_micro"
    segments: int = 8
    stack: int = 4
    size: tuple[int, int] = (224, 224)
    resize: int = 256
    fit: Fit = "crop"
    resizing: Resizing = RESIZING
    dropout: float = 0.5
    shift: bool | None = None
    causal: bool = False
    aggregation: str | None = None
    weights: str = ""
    width: float | None = None


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
    """

    crop: Literal["random", "multiscale", "centre"] = "random"
    flip: bool | None = None
    brightness: float = 0.0
    contrast: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    exposure: float = 0.0
    sampling: Literal["random", "dense"] = "random"


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
            lowest loss), the lowest validation `loss`, or the `last`. `auto`: the best, without
            validation clips the last.
        patience: Epochs without a better validation result after which training stops; 0: never.
        precision: `float32`, or arithmetic in half precision on weights in full.
        deterministic: Whether a GPU gives the same bits each time, which resuming to the bit needs;
            some operations are slower so. A CPU always does.
        jit: Whether XLA compiles the training step.
        checkpoint_seconds: A checkpoint is written when this long has passed since the last,
            and at the end of each epoch.
    """

    seed: int = 0
    epochs: int | None = None
    batch: int = 8
    accumulate: int = 1
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    reference_batch: int = 0
    warmup: float = 0.0
    schedule: Literal["cosine", "steps"] = "cosine"
    milestones: tuple[float, ...] = ()
    weight_decay: float = 1e-3
    clip_norm: float = 0.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    class_weights: bool = False
    average: float = 0.0
    keep: Literal["auto", "best", "loss", "last"] = "auto"
    patience: int = 0
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    deterministic: bool = True
    jit: bool = False
    checkpoint_seconds: float = 300.0


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
        check_ranges(self)

    def to_tables(self) -> dict[str, dict[str, Any]]:
        """The configuration by section and key; what is absent is left out."""
        return {
            name: {key: value for key, value in values.items() if value is not None}
            for name, values in dataclasses.asdict(self).items()
        }

    def to_toml(self) -> str:
        """The configuration as a file that `load_config` reads back."""
        lines = []
        for section, values in self.to_tables().items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {to_toml(value)}" for key, value in values.items()]
            lines.append("")
        return "\n".join(lines)


def recipes() -> list[str]:
    """Names of the configurations that ship with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_config(
    recipe: str = "small",
    card: Mapping[str, Any] | None = None,
    file: Path | None = None,
    overrides: Iterable[str] = (),
) -> Config:
    """Puts a configuration together; what comes later wins.

    Args:
        recipe: Name of a shipped configuration, the ground.
        card: Training defaults of a data set card, by section.
        file: TOML file of the user.
        overrides: `section.key=value` strings, values as in TOML (a bare word is a string).

    Raises:
        UserError: If a key is unknown, or a value of the wrong type or out of range.
    """
    known = RECIPES / f"{recipe}.toml"
    if not known.is_file():
        raise UserError(f"config {recipe}: no such file or recipe; the recipes are {recipes()}")
    layers = [(f"recipe {recipe}", read_toml(known)), ("the data set card", dict(card or {}))]
    if file is not None:
        layers.append((str(file), read_toml(file)))
    layers += [(f"--set {item}", override(item)) for item in overrides]
    return assemble(Config, layers)


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file; what is wrong with it becomes one sentence."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give a TOML file or one of {recipes()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path}: not readable as TOML ({error}); mend the file") from None
