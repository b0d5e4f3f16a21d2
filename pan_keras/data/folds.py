"""Assigns clips to the folds of a cross-validation."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import numpy as np

from pan_keras.data.data_checks import some
from pan_keras.errors import UserError
from pan_keras.video.folder_tree import path_order


def assign_folds(
    labels: Mapping[Path, str],
    folds: int | None,
    seed: int = 0,
    groups: Mapping[Path, str] | None = None,
) -> dict[Path, int]:
    """Assigns each clip to one fold, to be tested after training on the others.

    Without groups, the folds are stratified by class. With groups, no group is split: each group
    is a fold if there are at least as many folds as groups, or if `folds` is None (leave one group
    out); otherwise groups are assigned in descending order of size, each to the smallest fold.

    Args:
        labels: Class of each clip.
        folds: Number of folds, at least 2; None for one fold per group.
        seed: Random seed, used without groups; the order of `labels` does not matter.
        groups: Group of each clip, such as a person.

    Returns:
        Fold number of each clip, from 1.

    Raises:
        UserError: If there are too few clips or groups, or a class would be missing in training.

    Example:
        >>> labels = {Path(f"{number}.mp4"): "wave" for number in range(4)}
        >>> sorted(assign_folds(labels, folds=2).values())
        [1, 1, 2, 2]
    """
    _check(labels, folds, groups)
    found = _by_class(labels, folds or 0, seed) if groups is None else _by_group(groups, folds)
    for label in sorted(set(labels.values())):
        held = {found[path] for path in labels if labels[path] == label}
        if len(held) == 1:
            raise UserError(_whole_class(label, found, groups, labels))
    return found


def _check(
    labels: Mapping[Path, str], folds: int | None, groups: Mapping[Path, str] | None
) -> None:
    if groups is None and folds is None:
        raise UserError("give the number of folds, or the column of groups")
    if folds is not None and not 2 <= folds <= len(labels):
        raise UserError(f"folds: {folds}; it must be from 2 to the number of clips, {len(labels)}")
    counts: dict[str, int] = defaultdict(int)
    for label in labels.values():
        counts[label] += 1
    single = [label for label, number in sorted(counts.items()) if number == 1]
    if single:
        raise UserError(
            f"folds: {some(single)} {'has' if len(single) == 1 else 'have'} one clip, which cannot "
            "be trained and tested on; add clips, or remove the class"
        )
    if groups is not None and len(set(groups.values())) < 2:
        (only,) = set(groups.values())
        raise UserError(f"folds: all clips belong to the group {only!r}; leave out --groups")


def _by_class(labels: Mapping[Path, str], folds: int, seed: int) -> dict[Path, int]:
    found: dict[Path, int] = {}
    turn = count()
    for number, label in enumerate(sorted(set(labels.values()))):
        paths = sorted((path for path in labels if labels[path] == label), key=path_order)
        for place in np.random.default_rng([seed, number]).permutation(len(paths)):
            found[paths[place]] = 1 + next(turn) % folds
    return found


def _by_group(groups: Mapping[Path, str], folds: int | None) -> dict[Path, int]:
    sizes: dict[str, int] = defaultdict(int)
    for group in groups.values():
        sizes[group] += 1
    if folds is None or len(sizes) <= folds:
        fold_of = {group: number for number, group in enumerate(sorted(sizes), start=1)}
    else:
        fold_of, clips = {}, dict.fromkeys(range(1, folds + 1), 0)
        for group in sorted(sizes, key=lambda group: (-sizes[group], group)):
            smallest = min(clips, key=lambda number: (clips[number], number))
            fold_of[group] = smallest
            clips[smallest] += sizes[group]
    return {path: fold_of[group] for path, group in groups.items()}


def _whole_class(
    label: str,
    found: Mapping[Path, int],
    groups: Mapping[Path, str] | None,
    labels: Mapping[Path, str],
) -> str:
    paths = [path for path in found if labels[path] == label]
    held = {groups[path] for path in paths} if groups is not None else set()
    if len(held) == 1:
        return (
            f"folds: the group {held.pop()!r} holds all {len(paths)} clips of the class {label!r}, "
            "so that none is left to train on; add clips of it from another group, or choose "
            "another column"
        )
    return (
        f"folds: fold {found[paths[0]]} would hold all {len(paths)} clips of the class {label!r}; "
        "ask for more folds"
    )
