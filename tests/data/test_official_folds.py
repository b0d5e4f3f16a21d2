"""Official folds: the one that is asked for, never another; clips it does not use are left out."""

import pytest
from stand_ins import make_hmdb51

from pan_keras.data import open_data, prepare_dataset
from pan_keras.data.official_folds import fold_for
from pan_keras.data.opening import list_data
from pan_keras.errors import UserError


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("hmdb") / "data"
    make_hmdb51(root)
    prepare_dataset("hmdb51", root, root)
    return root


def test_the_first_fold_is_the_default(prepared):
    first, default = open_data("hmdb51", prepared, fold=1), open_data("hmdb51", prepared)
    assert first.all_clips == default.all_clips
    assert default.split_origin == "fold 1 of 3, as published"
    assert default.report()["ignored"] == {"clips that fold 1 does not use": 3}


def test_each_fold_tests_other_clips(prepared):
    tested = [
        {clip.path for clip in open_data("hmdb51", prepared, fold=fold).clips("test")}
        for fold in (1, 2, 3)
    ]
    assert [len(each) for each in tested] == [2, 3, 3]
    assert not tested[0] & tested[1]
    listed = list_data("hmdb51", prepared, 2)[1]
    assert {path for path, clip in listed.items() if clip.split == "test"} >= tested[1]
    assert {clip.split for clip in listed.values()} == {"train", "test"}


@pytest.mark.parametrize(
    ("source", "fold", "message"),
    [
        ("hmdb51", 4, r"fold 4: hmdb51 has the official folds 1 to 3; name one"),
        ("hmdb51", 0, r"fold 0: hmdb51 has the official folds 1 to 3"),
        ("motions", 1, r"fold 1: motions has no official folds; leave the fold out"),
    ],
)
def test_a_fold_that_is_not_there_is_refused(source, fold, message, prepared, small_motions):
    root = prepared if source == "hmdb51" else small_motions
    with pytest.raises(UserError, match=message):
        open_data(source, root, fold=fold)


def test_data_that_were_not_prepared_are_told_how(prepared, tmp_path):
    with pytest.raises(
        UserError, match=r"manifest\.csv of hmdb51 is not here; write it with: pan-"
    ):
        open_data("hmdb51", tmp_path)
    rows = (prepared / "manifest.csv").read_text()
    (tmp_path / "manifest.csv").write_text(rows)
    with pytest.raises(UserError, match=r"classes\.txt: the classes of hmdb51 are missing"):
        open_data("hmdb51", tmp_path)
    (tmp_path / "classes.txt").write_text((prepared / "classes.txt").read_text())
    for old, new, message in (
        ("fold3", "fold4", "the column 'fold3' is missing"),
        (",train,test,", ",train,tset,", r"line \d: fold2 is 'tset'"),
    ):
        (tmp_path / "manifest.csv").write_text(rows.replace(old, new, 1))
        with pytest.raises(UserError, match=message):
            open_data("hmdb51", tmp_path, fold=3 if old == "fold3" else 2)


def test_the_fold_of_a_run_goes_to_data_with_folds_only():
    assert fold_for("ucf101", 2) == 2
    assert fold_for("ucf101", None) is None
    assert fold_for("motions", 2) is None
    assert fold_for("videos", 2) is None
