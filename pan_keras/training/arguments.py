"""The arguments that trainings, cross-validations and searches share."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from pan_keras.config.config import Config


class TrainingArguments(TypedDict, total=False):
    """Keyword arguments of `train` that say what to train, on which data and how.

    Args:
        root: Folder of the videos of a card.
        model: A name that `pan_keras.models.names()` lists.
        config: A `Config`, a TOML file, or the name of a shipped recipe.
        overrides: `section.key=value` strings, as on the command line.
        sections: Values by section and key, which override everything else.

    Example:
        >>> arguments = TrainingArguments(model="pan_lite_micro", overrides=["training.epochs=2"])
        >>> arguments["model"]
        'pan_lite_micro'
    """

    root: str | Path | None
    model: str | None
    config: Config | str | Path | None
    overrides: Iterable[str]
    sections: Mapping[str, Mapping[str, Any]] | None
