"""What a person should know of a data set before training on it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pan_keras.data.clip import SPLITS, Clip
from pan_keras.data.duplicates import WARNING_BYTES, identical_files

NAMED = 20


def data_warnings(classes: Sequence[str], clips: Sequence[Clip]) -> Iterator[str]:
    """Finds names that differ in case alone, classes without clips, and copies across splits.

    Args:
        classes: Names of the classes.
        clips: The clips, all of which can be read.

    Yields:
        Sentences without a full stop.

    Example:
        >>> list(data_warnings(("left", "Left"), ()))[0]
        'the classes left, Left differ in case alone'
    """
    counts = Counter(name.lower() for name in classes)
    alike = [name for name in classes if counts[name.lower()] > 1]
    if alike:
        yield f"the classes {some(alike)} differ in case alone"
    for split in SPLITS:
        present = {clip.label for clip in clips if clip.split == split}
        missing = [name for number, name in enumerate(classes) if number not in present]
        if missing and (present or split == "train"):
            yield f"{some(missing)} {'has' if len(missing) == 1 else 'have'} no {split} clip"
    known = {clip.path: clip for clip in clips}
    copies = [
        [known[path] for path in group] for group in identical_files(known, most=WARNING_BYTES)
    ]
    across = [group for group in copies if len({_place(clip) for clip in group}) > 1]
    if across:
        one = across[0][0]
        other = next(clip for clip in across[0] if _place(clip) != _place(one))
        told = " and ".join(f"{c.path} ({c.split}, {classes[c.label]})" for c in (one, other))
        count = "a video stands" if len(across) == 1 else f"{len(across)} videos stand"
        yield (
            f"{count} in several splits or classes as copies, such as {told}; list them with "
            "dataset check --duplicates and keep one of each"
        )


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _place(clip: Clip) -> tuple[int, str]:
    return clip.label, clip.split
