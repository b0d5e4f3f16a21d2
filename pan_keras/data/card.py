"""Data set cards: description, split rules and recommended settings of a data set."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictFloat

from pan_keras import shipped
from pan_keras.config.section import Text, section
from pan_keras.config.tables import assemble, read_toml
from pan_keras.data.clip import checked_label
from pan_keras.data.published_benchmark import PublishedBenchmark
from pan_keras.errors import UserError
from pan_keras.remote.addresses import is_remote, local_path
from pan_keras.video.shard_file import is_shard_folder

FASTEST = 1000  # frames per second
CARD = "card.toml"  # in a folder of shards, the card of the data that they were made of
FrameRate = Annotated[StrictFloat, Field(gt=0, le=FASTEST)]


@section
@dataclass(frozen=True)
class SplitRule:
    """Assigns clips to a split if a column of the manifest has one of these values.

    Args:
        column: Name of a column.
        values: Matching values of that column.
    """

    column: Text
    values: tuple[Annotated[Text, AfterValidator(str.strip)], ...]


@section
@dataclass(frozen=True)
class Card:
    """Description of a data set, read from `datasets/NAME.toml`.

    Args:
        name: Name on the command line.
        title: Full name.
        classes: Classes in the order of their labels; empty if they follow from the folders.
        exclude: Labels in the data that are not classes; their clips are left out.
        manifest: CSV under the root that lists the clips; None if classes and splits follow from
            the folders.
        split: Rules on columns of the manifest by split, tried in order; clips that match no rule
            are used for training.
        flip: Whether a mirrored clip keeps its class.
        frame_rate: Frames per second of clips that do not store it, such as folders of frames.
        training: Recommended settings, in tables named like those of the training configuration.
        benchmark: For a published data set, its files, folds, expected clips and protocol. The
            manifest is then written by `prepare_dataset`, and no split is drawn.
        generator: `"motions"` if the data are generated rather than downloaded.
        licence: Licence of the data.
        citation: Publication to cite.
        source: Where to get the data.

    Raises:
        UserError: If a text is empty, a rule or benchmark has no manifest, or a label is listed
            twice.

    Example:
        >>> load_card("egogestar").flip
        False
    """

    name: Text
    title: Text
    classes: tuple[Text, ...] = ()
    exclude: tuple[Text, ...] = ()
    manifest: Text | None = None
    split: Mapping[Literal["val", "test"], SplitRule] = field(default_factory=dict)
    flip: StrictBool = False
    frame_rate: FrameRate | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    benchmark: PublishedBenchmark | None = None
    generator: Literal["motions"] | None = None
    licence: Text = ""
    citation: Text = ""
    source: Text = ""

    def __post_init__(self) -> None:
        for key in ("name", "title"):
            if not getattr(self, key).strip():
                raise UserError(f"{key} is empty; fill it in")
        if self.split and self.manifest is None:
            raise UserError("a split rule needs the key 'manifest'; name the CSV file")
        if self.benchmark and (self.manifest is None or self.split):
            raise UserError(
                "a benchmark needs the key 'manifest' and no split rules, since its files have the "
                "official split; correct the card"
            )
        named: set[str] = set()
        for key in ("classes", "exclude"):
            labels = tuple(checked_label(name, key) for name in getattr(self, key))
            object.__setattr__(self, key, labels)
            for name in labels:
                if name in named:
                    raise UserError(f"the label {name!r} is listed twice; remove one")
                named.add(name)


def card_names() -> list[str]:
    """Lists the cards that ship with the package.

    Returns:
        The names, sorted.

    Example:
        >>> "ucf101" in card_names()
        True
    """
    return sorted(file.stem for file in shipped.folder("datasets").glob("*.toml"))


def is_card(source: str | Path) -> bool:
    """Returns whether a data source is a card: a shipped one by name, or your own by path.

    Args:
        source: As for `open_data`.

    Returns:
        True for a card.

    Example:
        >>> is_card("egogestar"), is_card("videos")
        (True, False)
    """
    return str(source) in card_names() or is_own_card(source)


def is_own_card(source: str | Path) -> bool:
    """Returns whether a data source is the path of your own card.

    Args:
        source: As for `open_data`.

    Returns:
        True for a path that ends in `.toml`.

    Example:
        >>> is_own_card("waves.toml"), is_own_card("egogestar")
        (True, False)
    """
    return Path(source).suffix.lower() == ".toml"


def has_card(source: str | Path) -> bool:
    """Returns whether a data source is a card, or a folder of shards that holds one.

    Args:
        source: As for `open_data`.

    Returns:
        True if `load_card` and `card_text` take it.

    Example:
        >>> has_card("egogestar"), has_card("videos")
        (True, False)
    """
    return is_card(source) or _file(source).name == CARD


def card_text(source: str | Path) -> str:
    """Returns the text of a card, to be stored with the results that were made with it.

    Args:
        source: Name of a shipped card, the path of one of your own, or a folder of shards with one.

    Returns:
        TOML.

    Example:
        >>> "egogestar" in card_text("egogestar")
        True
    """
    return _file(source).read_text(encoding="utf-8")


def load_card(name_or_path: str | Path) -> Card:
    """Loads a shipped card by name, or your own by path.

    Args:
        name_or_path: Name of a shipped card, a path that ends in `.toml`, or a folder of shards
            that holds a card.

    Returns:
        The card.

    Raises:
        UserError: If there is no such card, or it has an unknown key or a value of the wrong type.

    Example:
        >>> load_card("egogestar").flip
        False
    """
    path = _file(name_or_path)
    if not path.exists():
        near = difflib.get_close_matches(str(name_or_path), card_names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(card_names())}"
        raise UserError(f"{name_or_path}: there is no such data set card; {hint}")
    return assemble(Card, [(str(path), read_toml(path))])


def _file(name_or_path: str | Path) -> Path:
    remote = is_remote(name_or_path)
    path = local_path(name_or_path) if remote else Path(name_or_path).expanduser()
    if is_own_card(name_or_path):
        return path
    if is_shard_folder(path) and (path / CARD).is_file():
        return path / CARD
    return shipped.folder("datasets") / f"{name_or_path}.toml"
