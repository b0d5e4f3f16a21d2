"""Splits are fair to each class and follow from the seed alone."""

from pathlib import Path

from pan_keras.data.split import SHARES, stratified_split


def labels(**counts):
    return {
        Path(f"{label}/{n}.mp4"): label for label, count in counts.items() for n in range(count)
    }


def test_each_class_gives_the_same_share():
    splits = stratified_split(labels(rare=20, common=200), 0, SHARES)
    for label, count in (("rare", 20), ("common", 200)):
        own = [split for path, split in splits.items() if path.parts[0] == label]
        assert own.count("test") == own.count("val") == 0.15 * count


def test_the_order_of_the_files_does_not_matter():
    files = labels(wave=30, clap=10)
    backwards = dict(reversed(files.items()))
    assert stratified_split(files, 0, SHARES) == stratified_split(backwards, 0, SHARES)


def test_the_seed_matters():
    files = labels(wave=30)
    assert stratified_split(files, 0, SHARES) != stratified_split(files, 1, SHARES)


def test_training_comes_first_in_tiny_classes():
    assert set(stratified_split(labels(wave=1), 0, SHARES).values()) == {"train"}
    assert sorted(stratified_split(labels(wave=2), 0, SHARES).values()) == ["test", "train"]
