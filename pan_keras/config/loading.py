"""Loads a configuration from recipes, user files, run folders and keywords."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pan_keras.config.config import FORMAT, Config
from pan_keras.config.section import shown
from pan_keras.config.tables import assemble, override, read_toml
from pan_keras.errors import UserError

RECIPES = Path(__file__).parent / "recipes"
# Run files of the first versions have no format and lack the keys added later. Those take their
# defaults, except for this one: these runs used version 1 of the resizing.
EARLIER = {"model": {"resizing": 1}}


def recipes() -> list[str]:
    """Lists the names of the shipped configurations."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_config(
    recipe: str = "small",
    card: Mapping[str, Any] | None = None,
    file: Path | None = None,
    overrides: Iterable[str] = (),
    sections: Mapping[str, Mapping[str, Any]] | None = None,
) -> Config:
    """Merges a recipe, a card, a file and overrides into a configuration; later ones win.

    Args:
        recipe: Name of the shipped configuration to start from.
        card: Training defaults of a data set card, by section.
        file: TOML file of the user. A run's file is complete and replaces recipe and card.
        overrides: `section.key=value` strings, values as in TOML (a bare word is a string).
        sections: Values by section and key.

    Returns:
        The configuration.

    Raises:
        UserError: If a key is unknown, or a value of the wrong type or out of bounds.

    Example:
        >>> load_config("paper", overrides=["training.seed=7"]).training.seed
        7
    """
    if recipe not in recipes():
        raise UserError(f"config {recipe}: no such file or recipe; the recipes are {recipes()}")
    layers = [
        (f"recipe {recipe}", read_toml(RECIPES / f"{recipe}.toml")),
        ("the data set card", dict(card or {})),
    ]
    if file is not None:
        instead = f"a TOML file or one of {', '.join(recipes())}"
        tables, complete = _without_format(read_toml(file, instead), file)
        layers = [*([] if complete else layers), (str(file), tables)]
    layers += [(f"--set {item}", override(item)) for item in overrides]
    return assemble(Config, [*layers, ("", dict(sections or {}))])


def is_complete(file: Path) -> bool:
    """Returns whether a file has every setting, as a run's file does.

    Args:
        file: TOML file of the user.

    Raises:
        UserError: If it cannot be read.

    Example:
        >>> is_complete(Path("runs/demo/config.toml"))
        True
    """
    return _without_format(read_toml(file, f"a TOML file or one of {', '.join(recipes())}"), file)[
        1
    ]


def make_config(source: str | Path | None = None, **sections: Mapping[str, Any]) -> Config:
    """Makes a configuration from keyword arguments, on top of the recipe `small`.

    Args:
        source: Data set card, folder or CSV file; short for `data={"source": source}`.
        **sections: Values by section: `data`, `model`, `augmentation`, `training`.

    Returns:
        The configuration.

    Raises:
        UserError: If a section or key is unknown, or a value of the wrong type or out of bounds.

    Example:
        >>> config = make_config("videos", training={"epochs": 20}, model={"size": 112})
        >>> config.data.source, config.training.epochs, config.model.size
        ('videos', 20, (112, 112))
    """
    if source is None:
        return load_config(sections=sections)
    data = sections.get("data", {})
    if "source" in data:
        raise UserError("the source is given twice, as source and in data; remove one")
    return load_config(sections={**sections, "data": {**data, "source": str(source)}})


def read_config(file: Path) -> Config:
    """Reads the configuration of a run, as written by `Config.to_toml` of this or earlier versions.

    A missing key takes the default of its field, not that of a recipe.

    Args:
        file: The run's `config.toml`.

    Returns:
        The configuration.

    Raises:
        UserError: If the file is not a valid configuration.

    Example:
        >>> read_config(Path("runs/demo/config.toml")).training.seed
        0
    """
    tables, complete = _without_format(read_toml(file), file)
    return assemble(Config, [("", {} if complete else EARLIER), (str(file), tables)])


def _without_format(tables: dict[str, Any], file: Path) -> tuple[dict[str, Any], bool]:
    """Returns the sections of a file, and whether its format marks them as complete."""
    sections = {name: table for name, table in tables.items() if name != "format"}
    given = tables.get("format")
    if given not in (None, FORMAT):
        raise UserError(
            f"{file}: format is {shown(given)}, and this version reads {FORMAT}; "
            "use a newer pan-keras"
        )
    return sections, given is not None
