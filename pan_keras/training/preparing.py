"""Resolves a configuration and opens its data, before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack, cast

from pan_keras.config.config import FRESH, Config
from pan_keras.data import VideoData
from pan_keras.data.opening import refuse_unprepared
from pan_keras.errors import UserError
from pan_keras.metrics.calibration import clips_for_threshold
from pan_keras.metrics.intervals import wilson
from pan_keras.runs.network import create_model, with_network
from pan_keras.runs.run_data import open_configured_data
from pan_keras.training.arguments import TrainingArguments
from pan_keras.training.choosing import (
    Choice,
    Preset,
    as_tables,
    check_preset,
    choose_settings,
)
from pan_keras.training.configuring import given_settings, leaves_choices, resolve
from pan_keras.training.initial_weights import initial_weights

FEW_OF_A_CLASS = 8  # training clips, below which accuracy depends on the choice of clips
WIDE = 0.2  # width of the interval of validation accuracy above which a warning is given


@dataclass(frozen=True)
class Prepared:
    """A configuration and its data.

    Attributes:
        config: The configuration.
        data: The opened data.
        choices: Settings chosen from the data.
        preset: The preset of the choices; None if nothing was chosen.
        given: Settings of the user, by section and key.
    """

    config: Config
    data: VideoData
    choices: tuple[Choice, ...] = ()
    preset: str | None = None
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_lines(self) -> list[str]:
        """Returns the choices and warnings about too few clips as lines of text.

        Returns:
            One line each; empty if nothing was chosen.
        """
        if not self.choices:
            return []
        head = f"settings chosen from the data (preset {self.preset}; --set KEY=VALUE overrides):"
        lines = [head, *(f"  {choice.to_text()}" for choice in self.choices)]
        return lines + [f"warning: {each}" for each in few_clips(self.data)]

    def to_json(self) -> dict[str, Any]:
        """Returns the choices as a JSON object.

        Returns:
            The preset, and key, value and reason of each choice.
        """
        return {"preset": self.preset, "choices": [choice.to_json() for choice in self.choices]}


def prepare(
    source: str | Path | None = None,
    *,
    preset: str | None = None,
    quiet: bool = False,
    **arguments: Unpack[TrainingArguments],
) -> Prepared:
    """Resolves a configuration, opens its data and chooses the settings left open.

    Args:
        source: As for `train`.
        preset: As for `train`.
        quiet: As for `train`.
        arguments: As for `train`.

    Returns:
        The configuration and the data, checked for training.

    Raises:
        UserError: If the configuration or the data are unusable.

    Example:
        >>> prepare("videos").choices[0].key
        'model.name'
    """
    model, config = arguments.get("model"), arguments.get("config")
    overrides, sections = tuple(arguments.get("overrides", ())), arguments.get("sections")
    arguments["overrides"] = overrides
    if preset is not None:
        check_preset(preset)
    chooses = leaves_choices(source, config, preset, sections, overrides)
    # The user's settings are checked first, because scanning the data takes longer.
    resolved = resolve(source, **arguments, chosen={} if chooses else None)
    refuse_unprepared(resolved.data.source, resolved.data.root or None)
    given = given_settings(model, config, overrides, sections)
    if not chooses or "name" in given.get("model", {}):
        _check_start(resolved)
    data = open_configured_data(resolved, progress=(lambda *_: None) if quiet else None)
    check_classes(resolved, data)
    choices: tuple[Choice, ...] = ()
    if chooses:
        choices = choose_settings(data, cast(Preset, preset or "balanced"), given)
        resolved = resolve(source, **arguments, chosen=as_tables(choices))
        _check_start(resolved)
    _check_validation(resolved, len(data.clips("val")))
    return Prepared(resolved, data, choices, (preset or "balanced") if chooses else None, given)


def check_classes(config: Config, data: VideoData) -> None:
    """Raises UserError unless there are two classes and clips to train on."""
    if len(data.classes) < 2:
        raise UserError(
            f"{config.data.source}: only one class, {data.classes[0]!r}; give videos of two or "
            "more, each class in a folder of its own"
        )
    if not data.clips("train"):
        raise UserError(f"{config.data.source}: no training clips; name their split `train`")


def few_clips(data: VideoData) -> list[str]:
    """Returns warnings about too few clips, as sentences.

    Args:
        data: The opened data.

    Returns:
        The sentences; empty if there are enough clips.
    """
    sentences = []
    train, validation = data.clips("train"), len(data.clips("val"))
    fewest = min(sum(clip.label == label for clip in train) for label in range(len(data.classes)))
    if fewest < FEW_OF_A_CLASS:
        name = next(
            name
            for label, name in enumerate(data.classes)
            if sum(clip.label == label for clip in train) == fewest
        )
        sentences.append(
            f"the class {name!r} has {fewest} training clips; {FEW_OF_A_CLASS} and more of each "
            "class, of several people and places, make the result less a matter of chance"
        )
    if validation:
        low, high = wilson(validation * 0.9, validation)
        if high - low > WIDE:
            sentences.append(
                f"{validation} validation clips are too few to tell how good the model is: 90 % "
                f"right of them means {low:.0%} to {high:.0%}; --folds 5 measures on all clips"
            )
    return sentences


def other_start(config: Config, data: VideoData) -> list[str]:
    """Returns a note if the paper starts training on these data from weights of another data set.

    Args:
        config: The configuration.
        data: The opened data.

    Returns:
        One sentence, or none.
    """
    benchmark = data.card.benchmark if data.card is not None else None
    if benchmark is None or benchmark.start is None or Path(config.model.weights).exists():
        return []
    return [
        f"the paper starts from a network trained on {benchmark.start}, this run from "
        f"model.weights = {config.model.weights}; give such a run with --set model.weights=RUN"
    ]


def _check_validation(config: Config, clips: int) -> None:
    """Raises UserError if there are too few validation clips for the settings that need them."""
    if config.training.patience and not clips:
        raise UserError(
            "training.patience waits for better validation results, but the data have no "
            "validation clips; set it to 0"
        )
    share = config.training.false_alarms
    if share and clips < clips_for_threshold(share):
        raise UserError(
            f"training.false_alarms is {share:g}, which needs {clips_for_threshold(share)} "
            f"validation clips, and the data have {clips}; allow more false alarms, set it to 0, "
            "or hold out more clips"
        )


def _check_start(config: Config) -> None:
    """Checks that pretrained weights fit the network, before a run folder is created."""
    network = with_network(config)
    if network.model.weights != FRESH:
        initial_weights(create_model(network, classes=2), network.model.weights)
    elif network.training.freeze:
        raise UserError(
            f"training.freeze is {network.training.freeze:g}, but the backbone starts from fresh "
            "weights, which must train; set model.weights, or training.freeze to 0"
        )
