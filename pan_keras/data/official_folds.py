"""Applies the official split of a published data set to its prepared manifest."""

from pathlib import Path

from pan_keras.data.card import Card, is_card, load_card
from pan_keras.data.clip import checked_label, split_of
from pan_keras.data.listing import Listing
from pan_keras.errors import UserError
from pan_keras.files import read_text

CLASSES = "classes.txt"  # beside the manifest


def fold_column(fold: int) -> str:
    """Returns the manifest's column with the split of each clip in an official fold."""
    return f"fold{fold}"


def checked_fold(card: Card | None, fold: int | None) -> int | None:
    """Returns the official fold to use: the one that is asked for, or the first.

    Args:
        card: The card of the data, if there is one.
        fold: Number of the fold, from 1; None if the user asked for none.

    Returns:
        The number; None for data without folds.

    Raises:
        UserError: If there is no such fold.

    Example:
        >>> checked_fold(load_card("ucf101"), None), checked_fold(load_card("jester"), None)
        (1, None)
    """
    folds = card.benchmark.folds if card is not None and card.benchmark is not None else 0
    if not folds:
        if fold is not None:
            name = card.name if card is not None else "the data"
            raise UserError(f"fold {fold}: {name} has no official folds; leave the fold out")
        return None
    assert card is not None
    if fold is not None and not 1 <= fold <= folds:
        raise UserError(f"fold {fold}: {card.name} has the official folds 1 to {folds}; name one")
    return fold or 1


def fold_for(source: str | Path, fold: int | None) -> int | None:
    """Returns a fold for another opening of data: itself if they have official folds, else None.

    Args:
        source: As for `open_data`.
        fold: Number of the fold that a run was trained on, or None.
    """
    if fold is None or not is_card(source):
        return None
    benchmark = load_card(source).benchmark
    return fold if benchmark is not None and fold <= benchmark.folds else None


def apply_fold(card: Card, listing: Listing, fold: int | None) -> None:
    """Sets the official splits of a fold; clips that the fold does not use are left out.

    Args:
        card: A card with a benchmark.
        listing: The clips of its manifest; changed in place.
        fold: Number of the fold, from `checked_fold`.

    Raises:
        UserError: If the manifest was not written by `prepare_dataset`.
    """
    if fold is None:
        if set(listing.splits) != set(listing.labels):
            raise UserError(
                f"{listing.source}: the column 'split' is missing, so that the official split of "
                f"{card.name} is unknown; write the file with pan-keras dataset prepare"
            )
        return
    column = fold_column(fold)
    for path in list(listing.labels):
        cells = listing.columns[path]
        if column not in cells:
            raise UserError(
                f"{listing.source}: the column {column!r} is missing, so that the official fold is "
                "unknown; write the file with pan-keras dataset prepare"
            )
        if not cells[column]:
            del listing.labels[path]
            listing.ignored[f"clips that fold {fold} does not use"] += 1
            continue
        split = split_of(cells[column])
        if split is None:
            raise UserError(
                f"{listing.source}, line {listing.lines[path]}: {column} is {cells[column]!r}; it "
                "must be train, val, test or empty"
            )
        listing.splits[path] = split


def prepared_classes(root: Path, card: Card) -> tuple[str, ...]:
    """Reads the official classes beside a prepared manifest, in their order.

    Args:
        root: Folder of the manifest.
        card: The card.

    Raises:
        UserError: If the file is missing or damaged.
    """
    path = root / CLASSES
    try:
        lines = read_text(path).splitlines()
    except OSError:
        raise UserError(
            f"{path}: the classes of {card.name} are missing; write them with "
            f"pan-keras dataset prepare {card.name}"
        ) from None
    return tuple(checked_label(line, f"{path}, line {n}") for n, line in enumerate(lines, 1))
