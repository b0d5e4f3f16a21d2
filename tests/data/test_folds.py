"""Each clip is in one fold, no group is split, and every fold's training has all classes."""

from collections import Counter
from pathlib import Path

import pytest

from pan_keras.data import assign_folds
from pan_keras.errors import UserError


def clips(**classes):
    return {
        Path(f"{name}/{n}.mp4"): name for name, number in classes.items() for n in range(number)
    }


def people(labels, number):
    """Assigns clips to `number` people in turn."""
    return {path: f"P{place % number}" for place, path in enumerate(labels)}


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_classes_are_distributed_evenly(folds):
    labels = clips(wave=11, clap=7, nod=5)
    found = assign_folds(labels, folds)
    assert found.keys() == labels.keys()
    sizes = Counter(found.values())
    assert set(sizes) == set(range(1, folds + 1))
    assert max(sizes.values()) - min(sizes.values()) <= 1
    for name in ("wave", "clap", "nod"):
        held = Counter(found[path] for path in labels if labels[path] == name)
        assert max(held.values()) - min(held[number] for number in sizes) <= 1


def test_the_seed_decides_and_the_order_of_clips_does_not():
    labels = clips(wave=11, clap=7)
    turned = dict(reversed(labels.items()))
    assert assign_folds(labels, 3, seed=1) == assign_folds(turned, 3, seed=1)
    assert assign_folds(labels, 3, seed=1) != assign_folds(labels, 3, seed=2)


def test_each_of_few_groups_is_left_out_once():
    labels = clips(wave=8, clap=8)
    groups = people(labels, 4)
    for folds in (None, 4, 9):
        found = assign_folds(labels, folds, groups=groups)
        assert len(set(found.values())) == 4
        assert len({(groups[path], fold) for path, fold in found.items()}) == 4


def test_many_groups_share_folds_of_like_size():
    labels = clips(wave=20, clap=20)
    groups = people(labels, 10)
    found = assign_folds(labels, 4, groups=groups)
    assert len({(groups[path], fold) for path, fold in found.items()}) == 10
    assert sorted(Counter(found.values()).values()) == [8, 8, 12, 12]


@pytest.mark.parametrize(
    ("labels", "folds", "groups", "message"),
    [
        (clips(wave=5, nod=1), 2, None, "nod has one clip"),
        (clips(wave=5, nod=4), 1, None, "folds: 1; it must be from 2"),
        (clips(wave=2, nod=2), 5, None, "number of clips, 4"),
        (clips(wave=2, nod=2), None, None, "give the number of folds"),
        (clips(wave=4, nod=4), 2, people(clips(wave=4, nod=4), 1), "all clips belong to the group"),
        (clips(wave=4), None, dict.fromkeys(clips(wave=4), "A"), "to the group 'A'"),
    ],
)
def test_data_that_cannot_be_divided_are_refused(labels, folds, groups, message):
    with pytest.raises(UserError, match=message):
        assign_folds(labels, folds, groups=groups)


def test_a_group_that_holds_a_class_is_named():
    labels = clips(wave=4, nod=4)
    groups = {path: "A" if label == "nod" else path.stem for path, label in labels.items()}
    with pytest.raises(UserError, match="the group 'A' holds all 4 clips of the class 'nod'"):
        assign_folds(labels, None, groups=groups)


def test_a_fold_that_would_hold_a_class_is_named():
    labels = clips(wave=6, nod=2)
    groups = dict(zip(labels, "AABBCCDE", strict=True))
    # The smallest groups, D and E, fill the last fold together.
    with pytest.raises(UserError, match="would hold all 2 clips of the class 'nod'; ask for more"):
        assign_folds(labels, 4, groups=groups)
