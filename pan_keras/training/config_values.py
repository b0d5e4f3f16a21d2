"""Values of a configuration: their types, their ranges, and how TOML writes them."""

import types
import typing
from typing import TYPE_CHECKING, Any, Literal, Union

from pan_keras.errors import UserError

if TYPE_CHECKING:
    from pan_keras.training.config import Config

WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}

# Lowest values that are allowed.
AT_LEAST = {
    "data.workers": 1,
    "model.segments": 1,
    "model.stack": 1,
    "model.resize": 1,
    "augmentation.brightness": 0,
    "augmentation.contrast": 0,
    "augmentation.rotation": 0,
    "augmentation.zoom": 0,
    "augmentation.exposure": 0,
    "training.seed": 0,
    "training.epochs": 1,
    "training.batch": 1,
    "training.accumulate": 1,
    "training.reference_batch": 0,
    "training.warmup": 0,
    "training.weight_decay": 0,
    "training.clip_norm": 0,
    "training.mixup": 0,
    "training.patience": 0,
    "training.checkpoint_seconds": 0,
}
# Shares: 0 is allowed, 1 is not.
BELOW_ONE = ("model.dropout", "training.label_smoothing", "training.average")


def typed(value: Any, expected: Any, where: str) -> Any:
    """The value of a key, brought to the type that the key has.

    Args:
        value: As TOML gave it.
        expected: A type hint of a section of the configuration.
        where: File and key, for the message.

    Raises:
        UserError: If the value is of another type.
    """
    origin = typing.get_origin(expected)
    if origin in (Union, types.UnionType):
        expected = next(part for part in typing.get_args(expected) if part is not types.NoneType)
        return typed(value, expected, where)
    if origin is Literal:
        choices = typing.get_args(expected)
        if value in choices and type(value) is type(choices[0]):
            return value
        raise UserError(f"{where} is {value!r}; it must be one of {', '.join(map(str, choices))}")
    if origin is tuple:
        return _typed_tuple(value, typing.get_args(expected), where)
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is expected:
        return value
    raise UserError(f"{where} is {value!r}; it must be {WANTED[expected]}")


def _typed_tuple(value: Any, parts: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if parts[-1] is Ellipsis:
        if isinstance(value, (list, tuple)):
            return tuple(typed(part, parts[0], where) for part in value)
        raise UserError(f"{where} is {value!r}; it must be a list, such as [0.5, 0.75]")
    given = [value, value] if type(value) is int else value
    if isinstance(given, (list, tuple)) and len(given) == len(parts):
        return tuple(typed(part, kind, where) for part, kind in zip(given, parts, strict=True))
    raise UserError(f"{where} is {value!r}; it must be [height, width] or one number")


def check_ranges(config: "Config") -> None:
    """Looks whether the values can be.

    Raises:
        UserError: For the first that cannot.
    """
    for name, lowest in AT_LEAST.items():
        value = _value(config, name)
        if value is not None and value < lowest:
            raise UserError(f"{name} is {value}; it must be at least {lowest}")
    for name in BELOW_ONE:
        value = _value(config, name)
        if not 0 <= value < 1:
            raise UserError(f"{name} is {value}; it must be in [0, 1)")
    if not config.training.learning_rate > 0:
        raise UserError("training.learning_rate must be above 0")
    if not 0 <= config.data.max_broken <= 1:
        raise UserError(f"data.max_broken is {config.data.max_broken}; it must be in [0, 1]")
    if min(config.model.size) < 1:
        raise UserError(f"model.size is {config.model.size}; both sides must be at least 1 pixel")
    if config.model.fit != "crop" and config.model.resizing == 1:
        raise UserError(
            f"model.fit is {config.model.fit}, which model.resizing = 1 does not have; set it to 2"
        )
    _check_training(config)


def _check_training(config: "Config") -> None:
    training = config.training
    if training.batch % training.accumulate:
        raise UserError(
            f"training.accumulate is {training.accumulate}, which does not divide training.batch, "
            f"{training.batch}, into equal parts; change one of them"
        )
    marks = training.milestones
    if marks and training.schedule != "steps":
        raise UserError(
            f"training.milestones is {list(marks)}, but training.schedule is {training.schedule}; "
            "set it to steps"
        )
    if list(marks) != sorted(set(marks)) or not all(0 < mark < 1 for mark in marks):
        raise UserError(
            f"training.milestones is {list(marks)}; it must be shares of the epochs, between 0 and "
            "1 and rising"
        )


def to_toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return f"[{', '.join(to_toml(part) for part in value)}]"
    return repr(value)


def _value(config: "Config", name: str) -> Any:
    section, key = name.split(".")
    return getattr(getattr(config, section), key)
