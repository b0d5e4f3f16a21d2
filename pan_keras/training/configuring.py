"""Resolves the configuration of a training from recipe, data set card, file and arguments."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pan_keras import models
from pan_keras.config.config import FRESH, Config
from pan_keras.config.loading import is_complete, load_config, recipes
from pan_keras.config.tables import assemble, override, read_toml
from pan_keras.data import Card, has_card, is_card, is_own_card, load_card
from pan_keras.data.official_folds import checked_fold
from pan_keras.data.remote_source import local_source
from pan_keras.errors import UserError
from pan_keras.remote.addresses import displayed, is_remote
from pan_keras.runs.network import check_cue, with_network
from pan_keras.runs.run import Run
from pan_keras.runs.run_data import NO_DATA, open_configured_data
from pan_keras.training.optimisation.schedules import with_length


def resolve(
    source: str | Path | None = None,
    *,
    root: str | Path | None = None,
    model: str | None = None,
    config: Config | str | Path | None = None,
    overrides: Iterable[str] = (),
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    chosen: Mapping[str, Mapping[str, Any]] | None = None,
) -> Config:
    """Resolves the configuration that `train` would use, without what it chooses from the data.

    A recipe or file overrides the training settings of the data set card. A `Config` is complete:
    only `source`, `model`, `overrides` and `sections` change it.

    Args:
        source: As for `train`.
        root: As for `train`.
        model: As for `train`.
        config: As for `train`.
        overrides: As for `train`.
        sections: As for `train`.
        chosen: Values by section and key that were chosen from the data; they stand in the place
            of the card's training settings.

    Returns:
        The configuration.

    Raises:
        UserError: If a setting is wrong, there is no such model, or no data are named.

    Example:
        >>> resolve("videos", sections={"training": {"epochs": 20}}).training.epochs
        20
    """
    overrides, sections = list(overrides), dict(sections or {})
    if root is not None and _sets_root(overrides, sections):
        raise UserError("the root is given twice, by --root and as data.root; remove one")
    if model is not None:
        overrides.append(f'model.name="{model}"')
    if isinstance(config, Config):
        card = _card(str(source or config.data.source))
        layers = [("the configuration", config.to_tables())]
        layers += [(f"--set {item}", override(item)) for item in overrides]
        resolved = assemble(Config, [*layers, ("", sections)])
    else:
        card, resolved = _from_recipe(source, config, overrides, sections, chosen)
    resolved = _with_flip(resolved, card)
    if resolved.model.name not in models.names():
        near = difflib.get_close_matches(resolved.model.name, models.names(), n=1)
        hint = f"did you mean {near[0]}?" if near else "`pan-keras models` lists them"
        raise UserError(f"model: there is no {resolved.model.name}; {hint}")
    check_cue(resolved)
    weights = Path(resolved.model.weights)
    if resolved.model.weights != FRESH and weights.exists():
        resolved = replace(resolved, model=replace(resolved.model, weights=str(weights.resolve())))
    where = source if source is not None else resolved.data.source
    if not where:
        raise UserError(NO_DATA.format("the configuration"))
    own = is_own_card(where)
    if (own or not is_card(where)) and not is_remote(where):
        where = Path(where).expanduser().resolve()
    folder = root if root is not None else resolved.data.root
    if not folder and card is not None and card.generator and is_card(where):
        folder = Path("data") / card.name
    elif not folder and own:
        folder = Path(where).parent
    located = replace(
        resolved.data,
        source=str(where),
        root=_resolved(folder) if folder else "",
        # Shards hold the fold that they were made of.
        fold=checked_fold(card, resolved.data.fold) if is_card(where) else resolved.data.fold,
    )
    if located.cue_folder:
        shared = str(Path(located.cue_folder).expanduser().resolve())
        located = replace(located, cue_folder=shared)
    return replace(resolved, data=located)


def is_run_of(run: Run, config: Config) -> bool:
    """Whether a run was trained with a configuration.

    Args:
        run: The run.
        config: A configuration from `resolve`.

    Returns:
        True if the run's complete configuration follows from it.

    Example:
        >>> from pan_keras.runs import open_run
        >>> is_run_of(open_run("runs/demo"), resolve("videos"))
        False
    """
    if run.identity is None:
        return run.config == config
    clips = [clip for clip in run.identity.clips if clip.split == "train" and not clip.left_out]
    return run.config == with_length(with_network(config), len(clips))


def shared_length(configs: Sequence[Config]) -> tuple[str, ...]:
    """Settings with which trainings on the same data are all as long as the longest of them.

    A recipe may leave the length to the network: the paper trains networks on RGB for fewer epochs
    than others.

    Args:
        configs: What `resolve` gives, one per training.

    Returns:
        `section.key=value` strings; none if all are equally long.

    Raises:
        UserError: If their lengths depend on the data, and these are unusable.

    Example:
        >>> shared_length([resolve("videos", model=name) for name in ("pa_micro", "tsn_micro")])
        ()
    """

    def lengths(clips: int) -> set[tuple[int | None, tuple[float, ...]]]:
        found = (with_length(config, clips).training for config in configs)
        return {(training.epochs, training.milestones) for training in found}

    if len(lengths(clips=1)) < 2:
        return ()
    data = open_configured_data(configs[0], progress=lambda *_: None)
    found = lengths(len(data.clips("train")))
    epochs, milestones = max(found, key=lambda length: (length[0] or 0, length[1]))
    settings = (f"training.epochs={epochs}",)
    return (*settings, f"training.milestones={list(milestones)}") if milestones else settings


def leaves_choices(
    source: str | Path | None,
    config: Config | str | Path | None,
    preset: str | None,
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    overrides: Iterable[str] = (),
) -> bool:
    """Whether settings are to be chosen from the data: no recipe, card or whole file has them.

    Args:
        source: As for `train`.
        config: As for `train`.
        preset: As for `train`.
        sections: As for `train`.
        overrides: As for `train`.

    Raises:
        UserError: If a preset is given besides a configuration that is complete.

    Example:
        >>> leaves_choices("videos", None, None), leaves_choices("egogestar", None, None)
        (True, False)
    """
    file = _file(config)
    if isinstance(config, Config) or (config is not None and (file is None or is_complete(file))):
        if preset is not None:
            raise UserError(
                "a preset and a configuration with all settings are given; remove one of them"
            )
        return False
    if preset is not None:
        return True
    if source is None:
        source = load_config(file=file, overrides=overrides, sections=sections).data.source
    card = _card(str(source))
    return card is None or not card.training


def given_settings(
    model: str | None,
    config: Config | str | Path | None,
    overrides: Iterable[str],
    sections: Mapping[str, Mapping[str, Any]] | None,
) -> dict[str, dict[str, Any]]:
    """What the user set, by section and key.

    Args:
        model: As for `train`.
        config: As for `train`; a file counts, a recipe does not.
        overrides: As for `train`.
        sections: As for `train`.

    Example:
        >>> given_settings("pan_lite_micro", None, ["training.epochs=3"], None)
        {'model': {'name': 'pan_lite_micro'}, 'training': {'epochs': 3}}
    """
    file = _file(config)
    layers = [] if file is None else [read_toml(file)]
    layers += [{"model": {"name": model}}] if model is not None else []
    layers += [*map(override, overrides), dict(sections or {})]
    given: dict[str, dict[str, Any]] = {}
    for tables in layers:
        for name, table in tables.items():
            if isinstance(table, Mapping):
                given.setdefault(name, {}).update(table)
    return given


def _file(config: Config | str | Path | None) -> Path | None:
    """The file that a configuration is read from; None for a recipe or a `Config`."""
    named = config is None or isinstance(config, Config) or str(config) in recipes()
    return None if named else Path(str(config))


def _from_recipe(
    source: str | Path | None,
    config: str | Path | None,
    overrides: list[str],
    sections: Mapping[str, Mapping[str, Any]],
    chosen: Mapping[str, Mapping[str, Any]] | None,
) -> tuple[Card | None, Config]:
    """Returns the data set card, and the configuration merged from recipe, card and arguments."""
    file = _file(config)
    given = load_config(file=file, overrides=overrides, sections=sections)
    card = _card(str(source or given.data.source))
    if chosen is not None:
        return card, load_config("small", chosen, file, overrides, sections)
    defaults = dict(card.training) if card else {}
    recipe = defaults.pop("config", "small")
    if config is not None and file is None and str(config) != recipe:
        # A card's settings apply only to the recipe that it names.
        recipe, defaults = str(config), {}
    return card, load_config(recipe, defaults, file, overrides, sections)


def _resolved(folder: str | Path) -> str:
    return displayed(folder) if is_remote(folder) else str(Path(folder).resolve())


def _sets_root(overrides: Iterable[str], sections: Mapping[str, Mapping[str, Any]]) -> bool:
    named = {item.partition("=")[0].strip() for item in overrides}
    return "data.root" in named or "root" in sections.get("data", {})


def _card(source: str) -> Card | None:
    local_source(source)  # reads the card of remote data
    return load_card(source) if has_card(source) else None


def _with_flip(config: Config, card: Card | None) -> Config:
    flip = config.augmentation.flip
    if flip is None:
        flip = card is not None and card.flip
    if flip and card is not None and not card.flip:
        raise UserError(
            f"augmentation.flip is true, but {card.name} forbids mirror images; set it to false"
        )
    return replace(config, augmentation=replace(config.augmentation, flip=flip))
