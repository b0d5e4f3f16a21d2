"""Creates the network that a configuration describes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from pan_keras import models
from pan_keras.checkpoints import has_imagenet_weights
from pan_keras.clips.clip_shape import FIELDS
from pan_keras.config.config import FRESH, Config
from pan_keras.errors import UserError
from pan_keras.runs.model_input import motion_field
from pan_keras.runs.run import open_run

AUTO, IMAGENET = "auto", "imagenet"
# Options that the name of a network implies unless the configuration sets them.
IMPLIED = ("shift", "causal", "aggregation", "width", *models.PA_DEFAULTS)


def create_model(config: Config, classes: int, precision: str = "float32") -> keras.Model:
    """Creates a network with random weights.

    Args:
        config: A configuration.
        classes: Number of classes.
        precision: Keras dtype policy; variables are float32 under every policy.

    Raises:
        UserError: If there is no such network or its options are invalid.
    """
    check_cue(config)
    model = config.model
    options = {key: getattr(model, key) for key in IMPLIED}
    try:
        return models.create(
            model.name,
            classes=classes,
            segments=model.segments,
            stack=model.stack,
            size=model.size,
            dropout=model.dropout,
            initialisation=model.initialisation,
            seed=config.training.seed,
            dtype=precision,
            **{name: value for name, value in options.items() if value is not None},
        )
    except ValueError as error:
        raise UserError(f"[model] of the configuration: {error}") from error


def check_cue(config: Config) -> None:
    """Raises UserError unless the network of a configuration takes the cue in `data.cue`."""
    name, cue = config.model.name, config.data.cue
    seen, field = models.cue_of(name), motion_field(config)
    backbone = name.rpartition("_")[2]
    if field is not None and seen != "flow":
        raise UserError(
            f"data.cue is {cue}, a motion field, which {name} does not take; set model.name to "
            f"flow_{backbone}"
        )
    if seen == "flow" and field is None:
        raise UserError(f"{name} takes motion fields; set data.cue to one of {', '.join(FIELDS)}")
    if field is None and cue not in (None, seen):
        raise UserError(
            f"data.cue is {cue}, but {name} sees {seen or 'several cues'}; drop "
            "data.cue, or choose another model.name"
        )


def with_network(config: Config) -> Config:
    """Returns the configuration with all options of its network filled in.

    Missing options are those of the run that training starts from, if it has the same network, or
    those that the name implies; `weights = "auto"` becomes `imagenet` or `none`.

    Args:
        config: A configuration that names a model of the registry.

    Raises:
        UserError: If the run to start from cannot be read.

    Example:
        >>> with_network(load_config(overrides=["model.name=tsn_micro"])).model.aggregation
        'average'
    """
    model = config.model
    given = {key: getattr(model, key) for key in IMPLIED if getattr(model, key) is not None}
    values = {**models.presets(model.name), **_of_source(config), **given}
    if model.weights == AUTO:
        fits = has_imagenet_weights(model.name.rpartition("_")[2]) and values.get("width", 1) == 1
        values["weights"] = IMAGENET if fits else FRESH
    return replace(config, model=replace(model, **values))


def describe_network(config: Config, asked: Config) -> list[str]:
    """Describes what `with_network` filled in.

    Args:
        config: The configuration in use.
        asked: The configuration as given.
    """
    lines = []
    if asked.model.weights == AUTO and config.model.weights == FRESH:
        backbone = config.model.name.rpartition("_")[2]
        lines.append(f"weights: fresh, since there are none of ImageNet for this {backbone}")
    taken = {
        key: value
        for key, value in _of_source(asked).items()
        if getattr(asked.model, key) is None and value != models.presets(asked.model.name).get(key)
    }
    if taken:
        listed = ", ".join(f"{key} {value}" for key, value in taken.items())
        lines.append(f"{listed}: as in {asked.model.weights}")
    return lines


def _of_source(config: Config) -> dict[str, Any]:
    """Options of the run that training starts from, if it has the same network."""
    source = Path(config.model.weights)
    if not source.is_dir():
        return {}
    given = open_run(source).config.model
    if given.name != config.model.name:
        return {}
    return {key: getattr(given, key) for key in IMPLIED if getattr(given, key) is not None}
