"""The settings that a search varies."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pan_keras.config.config import FRESH, Config
from pan_keras.config.tables import override

Tables = Mapping[str, Mapping[str, Any]]
NO_VARIATIONS = {"brightness": 0.0, "contrast": 0.0, "exposure": 0.0, "rotation": 0.0, "zoom": 0.0}
WEAK_VARIATIONS = {**NO_VARIATIONS, "brightness": 0.2, "contrast": 0.2}
# Unsuccessful draws after which the space counts as exhausted.
PATIENCE = 200


def search_space(config: Config, given: Tables | None = None) -> dict[str, list[list[str]]]:
    """Returns the values of each axis of a search; the first is that of the configuration.

    Settings of the user are not varied; learning rate and epochs vary by factors.

    Args:
        config: The configuration to start from.
        given: What the user set, by section and key.

    Returns:
        The alternatives by axis, each a list of `section.key=value` strings.

    Example:
        >>> space = search_space(load_config())
        >>> space["learning rate"]
        [[], ['training.learning_rate=0.0008'], ['training.learning_rate=0.005']]
    """
    training, model = config.training, config.model
    space: dict[str, list[list[str]]] = {
        "learning rate": [
            [f"training.learning_rate={training.learning_rate * factor:.3g}"]
            for factor in (0.4, 2.5)
        ],
        "mixup": [[f"training.mixup={value}"] for value in (0.0, 0.2, 0.4)],
        "variations": [
            [f"augmentation.{key}={value}" for key, value in values.items()]
            for values in (NO_VARIATIONS, WEAK_VARIATIONS)
        ],
        "dropout": [[f"model.dropout={value}"] for value in (0.2, 0.5)],
        "stack": [
            [f"model.stack={value}"] for value in (model.stack - 1, model.stack + 1) if value > 1
        ],
    }
    if training.epochs is not None:
        longer = round(1.5 * training.epochs)
        space["epochs"] = [[f"training.epochs={longer}"]]
    if model.weights != FRESH:
        space["first rate"] = [["training.first_rate=0.1"]]
        del space["stack"]
    return {
        axis: [[], *_changing(alternatives, config, given or {})]
        for axis, alternatives in space.items()
    }


def draw_trials(space: Mapping[str, list[list[str]]], count: int, seed: int) -> list[list[str]]:
    """Draws distinct points of a space; the first is the unchanged configuration.

    Args:
        space: The result of `search_space`.
        count: Number of trials; fewer are returned if the space has no more.
        seed: Seed of the draw.

    Returns:
        The settings of each trial.

    Example:
        >>> draw_trials({"mixup": [[], ["training.mixup=0.2"]]}, count=5, seed=0)
        [[], ['training.mixup=0.2']]
    """
    draw = np.random.default_rng(seed)
    trials: list[list[str]] = [[]]
    for _ in range(PATIENCE):
        if len(trials) >= count:
            break
        picked = [axis[int(draw.integers(len(axis)))] for axis in space.values()]
        settings = [setting for alternative in picked for setting in alternative]
        if settings not in trials:
            trials.append(settings)
    return trials[:count]


def _changing(alternatives: list[list[str]], config: Config, given: Tables) -> list[list[str]]:
    """Alternatives that change the configuration but no setting of the user."""
    tables = config.to_tables()
    kept = []
    for alternative in alternatives:
        keys = [item.partition("=")[0].split(".") for item in alternative]
        if any(key in given.get(section, {}) for section, key in keys):
            continue
        if any(
            override(item)[section][key] != tables[section].get(key)
            for item, (section, key) in zip(alternative, keys, strict=True)
        ):
            kept.append(alternative)
    return kept


def described(settings: list[str]) -> str:
    """Formats the settings of a trial on one line.

    Args:
        settings: `section.key=value` strings.

    Example:
        >>> described(["training.mixup=0.2", "model.dropout=0.5"])
        'mixup=0.2 dropout=0.5'
        >>> described([])
        'as chosen'
    """
    return " ".join(item.partition(".")[2] for item in settings) or "as chosen"
