"""The typed configuration of a training run, and how it is put together."""

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Union

from pan_keras.errors import UserError

RECIPES = Path(__file__).parent / "configs"


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
        dropout: Share of features dropped in training.
        shift: Temporal shift in the backbone; if absent, what the name stands for.
        causal: Whether the shift looks at the past alone.
        aggregation: `vap`, `vip` or `average`; if absent, what the name stands for.
        width: Multiplier of the backbone's channels, for backbones that have one; if absent, 1.
    """

    name: str = "pan_lite_micro"
    segments: int = 8
    stack: int = 4
    size: tuple[int, int] = (224, 224)
    resize: int = 256
    dropout: float = 0.5
    shift: bool | None = None
    causal: bool = False
    aggregation: str | None = None
    width: float | None = None


@dataclass(frozen=True)
class AugmentationConfig:
    """How a training clip is varied; all its frames alike.

    Args:
        crop: `random`, `multiscale` (corners and scales of the paper) or `centre`.
        flip: Mirror half of the clips; refused where the card forbids it.
        brightness: Largest change of brightness, as a share of the full range.
        contrast: Largest relative change of contrast.
        rotation: Largest turn in degrees, either way.
        zoom: Largest relative change of size.
        sampling: `random` start within each segment, or `dense`.
    """

    crop: Literal["random", "multiscale", "centre"] = "random"
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    sampling: Literal["random", "dense"] = "random"


@dataclass(frozen=True)
class OptimisationConfig:
    """How long and how fast the weights move.

    Args:
        seed: Seed of weights, order, sampling, augmentation and dropout.
        epochs: Passes over the training clips.
        batch: Clips per step.
        learning_rate: Highest learning rate of AdamW; it falls to zero as half a cosine.
        weight_decay: Decay of matrices and kernels; norms and biases are spared.
        checkpoint_seconds: A checkpoint is written when this long has passed since the last,
            and at the end of each epoch.
    """

    seed: int = 0
    epochs: int = 50
    batch: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
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
        _check_ranges(self)

    def to_toml(self) -> str:
        """The configuration as a file that `load_config` reads back."""
        lines = []
        for section in dataclasses.fields(self):
            values = dataclasses.asdict(getattr(self, section.name))
            lines.append(f"[{section.name}]")
            lines += [
                f"{key} = {_toml(value)}" for key, value in values.items() if value is not None
            ]
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
    layers += [(f"--set {item}", _override(item)) for item in overrides]
    values: dict[str, dict[str, Any]] = {}
    for where, tables in layers:
        for name, table in tables.items():
            section = _known(name, _types(Config), where)
            if not isinstance(table, Mapping):
                raise UserError(f"{where}: {name} is a section; write {name}.KEY = VALUE")
            keys = _types(section)
            for key, value in table.items():
                expected = _known(key, keys, where, prefix=f"{name}.")
                checked = _typed(value, expected, f"{where}: {name}.{key}")
                values.setdefault(name, {})[key] = checked
    sections = _types(Config)
    return Config(**{name: sections[name](**table) for name, table in values.items()})


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file; what is wrong with it becomes one sentence."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give a TOML file or one of {recipes()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path}: not readable as TOML ({error}); mend the file") from None


def _override(item: str) -> dict[str, dict[str, Any]]:
    name, equals, text = item.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and key):
        raise UserError(f"--set {item}: write section.key=value, such as training.seed=7")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    return {section: {key: value}}


def _types(section) -> dict[str, Any]:
    hints = typing.get_type_hints(section)
    return {item.name: hints[item.name] for item in dataclasses.fields(section)}


def _known(name: str, names: Mapping[str, Any], where: str, prefix: str = "") -> Any:
    if name in names:
        return names[name]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
    raise UserError(f"{where}: there is no {prefix}{name}; did you mean {prefix}{near}?")


def _typed(value: Any, expected: Any, where: str) -> Any:
    origin = typing.get_origin(expected)
    if origin in (Union, types.UnionType):
        expected = next(part for part in typing.get_args(expected) if part is not types.NoneType)
        return _typed(value, expected, where)
    if origin is Literal:
        choices = typing.get_args(expected)
        if value in choices:
            return value
        raise UserError(f"{where} is {value!r}; it must be one of {', '.join(choices)}")
    if origin is tuple:
        parts = [value, value] if type(value) is int else value
        if isinstance(parts, (list, tuple)) and len(parts) == len(typing.get_args(expected)):
            return tuple(_typed(part, int, where) for part in parts)
        raise UserError(f"{where} is {value!r}; it must be [height, width] or one number")
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is expected:
        return value
    wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
    raise UserError(f"{where} is {value!r}; it must be {wanted[expected]}")


def _check_ranges(config: Config) -> None:
    at_least = {
        "data.workers": 1,
        "model.segments": 1,
        "model.stack": 1,
        "model.resize": 1,
        "augmentation.brightness": 0,
        "augmentation.contrast": 0,
        "augmentation.rotation": 0,
        "augmentation.zoom": 0,
        "training.seed": 0,
        "training.epochs": 1,
        "training.batch": 1,
        "training.weight_decay": 0,
        "training.checkpoint_seconds": 0,
    }
    for name, lowest in at_least.items():
        section, key = name.split(".")
        value = getattr(getattr(config, section), key)
        if value < lowest:
            raise UserError(f"{name} is {value}; it must be at least {lowest}")
    if not config.training.learning_rate > 0:
        raise UserError("training.learning_rate must be above 0")
    if not 0 <= config.model.dropout < 1:
        raise UserError(f"model.dropout is {config.model.dropout}; it must be in [0, 1)")
    if not 0 <= config.data.max_broken <= 1:
        raise UserError(f"data.max_broken is {config.data.max_broken}; it must be in [0, 1]")
    if min(config.model.size) < 1:
        raise UserError(f"model.size is {config.model.size}; both sides must be at least 1 pixel")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(part) for part in value)}]"
    return repr(value)
