"""Class folders are distinguished from split folders, and hidden files are ignored."""

import os

import pytest

from pan_keras.data.folder_source import list_folder
from pan_keras.errors import UserError
from pan_keras.video.folder_tree import visible_videos


@pytest.fixture
def lay(tmp_path):
    """Creates empty files under the test's folder; names that end in / are folders."""

    def write(*names):
        for name in names:
            path = tmp_path / name
            (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                path.touch()
        return tmp_path

    return write


def found(listing):
    """Label and split of each file, by its path relative to the source."""
    return {
        path.relative_to(listing.source).as_posix(): (label, listing.splits.get(path))
        for path, label in listing.labels.items()
    }


SPLITS = ("train/left/0.mp4", "train/right/1.mp4", "val/left/2.mp4", "test/left/3.mp4")
GIVEN = {
    "train/left/0.mp4": ("left", "train"),
    "train/right/1.mp4": ("right", "train"),
    "val/left/2.mp4": ("left", "val"),
    "test/left/3.mp4": ("left", "test"),
}


@pytest.mark.parametrize(
    ("strays", "ignored"),
    [
        (["annotations/list.txt"], {"folder annotations without videos": 1}),
        (["annotations/"], {"folder annotations without videos": 1}),
        (["__MACOSX/train/left/._0.mp4"], {"hidden files": 1}),
        ([".cache/left/0.mp4", ".git/"], {"hidden files": 1}),
        (["README.txt", "Thumbs.db"], {"files that are not videos": 1, "hidden files": 1}),
        (["loose.mp4"], {"videos outside a class folder": 1}),
        (["train/loose.mp4"], {"videos outside a class folder": 1}),
        (["train/labels.txt", "val/empty/"], {"files that are not videos": 1, "empty folders": 1}),
        (["validation/"], {"folder validation without videos": 1}),
    ],
)
def test_splits_are_recognised_beside_stray_folders_which_are_named(strays, ignored, lay):
    listing = list_folder(lay(*SPLITS, *strays))
    assert found(listing) == GIVEN
    assert listing.ignored == ignored


@pytest.mark.parametrize(
    ("train", "val", "test"), [("Train", "VALID", "Testing"), ("training", "Validation", "TEST")]
)
def test_split_names_are_recognised_in_any_spelling(train, val, test, lay):
    listing = list_folder(lay(f"{train}/a/0.mp4", f"{val}/a/1.mp4", f"{test}/a/2.mp4"))
    assert found(listing) == {
        f"{train}/a/0.mp4": ("a", "train"),
        f"{val}/a/1.mp4": ("a", "val"),
        f"{test}/a/2.mp4": ("a", "test"),
    }


def test_train_and_test_alone_are_splits(lay):
    listing = list_folder(lay("train/a/0.mp4", "test/a/1.mp4"))
    assert set(found(listing).values()) == {("a", "train"), ("a", "test")}


def test_two_folders_of_one_split_are_merged_with_a_warning(lay):
    listing = list_folder(lay(*SPLITS, "validation/right/4.mp4"))
    assert found(listing) == {**GIVEN, "validation/right/4.mp4": ("right", "val")}
    assert listing.warnings == ["the folders val and validation are all used as val"]


def test_an_empty_split_folder_is_not_a_split(lay):
    listing = list_folder(lay("train/a/0.mp4", "val/a/1.mp4", "test/b/", "test/c/"))
    assert set(listing.splits.values()) == {"train", "val"}
    assert listing.ignored == {"folder test without videos": 1}


def test_an_empty_folder_called_train_does_not_make_the_classes_beside_it_splits(lay):
    listing = list_folder(lay("car/0.mp4", "bus/1.mp4", "train/"))
    assert set(found(listing).values()) == {("car", None), ("bus", None)}
    assert listing.ignored == {"empty folders": 1}


@pytest.mark.parametrize("name", ["train", "Test", "validation"])
def test_a_folder_of_videos_beside_classes_is_a_class_whatever_its_name(name, lay):
    listing = list_folder(lay(f"{name}/0.mp4", "car/1.mp4", "bus/2.mp4", "car/deep/3.mp4"))
    assert {label for label, _ in found(listing).values()} == {name, "car", "bus"}
    assert not listing.splits


def test_a_class_under_a_split_may_be_called_train(lay):
    listing = list_folder(lay("train/train/0.mp4", "train/bus/1.mp4", "test/train/2.mp4"))
    assert found(listing)["test/train/2.mp4"] == ("train", "test")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["train/a/0.mp4", "val/a/1.mp4", "clap/2.mp4", "wave/3.mp4"],
            "train and val hold class folders, as splits do, but clap and wave beside them hold",
        ),
        (["train/a/0.mp4", "raw/1.mp4"], "but raw beside it holds videos too"),
        (["train/a/0.mp4", "dev/a/1.mp4"], "but dev beside it holds videos too"),
        (["train/anna/0.mp4", "bus/anna/1.mp4"], "but bus beside it holds videos too"),
        (["train/a/0.mp4", "val/1.mp4"], "but val beside it holds videos directly too"),
        (
            ["train/0.mp4", "val/1.mp4", "test/2.mp4"],
            "test, train and val hold videos without class folders",
        ),
        (["train/0.mp4", "test/1.mp4", "car/2.mp4"], "test and train hold videos without class"),
        (["train/0.mp4"], "train holds videos without class folders"),
        (["train_videos/a/0.mp4", "test_videos/a/1.mp4"], "look like splits, not classes"),
        (["train2017/0.mp4", "val2017/1.mp4"], "look like splits, not classes"),
        (["dev/a/0.mp4", "eval/a/1.mp4"], "look like splits, not classes"),
        (["data/train/a/0.mp4", "data/test/a/1.mp4"], "data: holds test and train, as a data set"),
        (["left/train/0.mp4", "left/val/1.mp4", "right/train/2.mp4"], "left: holds train and val"),
    ],
)
def test_ambiguous_layouts_are_refused_with_the_folders_named(names, message, lay):
    root = lay(*names)
    with pytest.raises(UserError, match=message) as caught:
        list_folder(root)
    assert str(root) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hidden_files_and_folders_are_ignored_at_any_depth(lay):
    root = lay(
        *("left/0.mp4", "left/.thumbnails/t.mp4", "left/anna/._1.mp4", "left/anna/1.mp4"),
        *("left/@eaDir/2.mp4", ".hidden/3.mp4", "left/anna/.a/.b/4.mp4", "left/anna/.a/x.txt"),
    )
    listing = list_folder(root)
    assert set(found(listing)) == {"left/0.mp4", "left/anna/1.mp4"}
    assert listing.ignored == {"hidden files": 6}
    assert visible_videos(root) == [root / "left/0.mp4", root / "left/anna/1.mp4"]


def test_a_hidden_folder_that_is_named_itself_is_searched(lay):
    root = lay(".videos/left/0.mp4")
    assert visible_videos(root / ".videos") == [root / ".videos/left/0.mp4"]
    assert len(list_folder(root / ".videos").labels) == 1


def test_links_to_folders_are_followed_and_cycles_end(lay):
    root = lay("data/left/0.mp4", "elsewhere/1.mp4", "data/right/2.mp4")
    (root / "data/left/more").symlink_to(root / "elsewhere")
    (root / "data/right/circle").symlink_to(root / "data/right")
    (root / "data/right/gone.mp4").symlink_to(root / "nowhere")
    listing = list_folder(root / "data")
    assert set(found(listing)) == {"left/0.mp4", "left/more/1.mp4", "right/2.mp4"}
    assert listing.ignored == {"links to a parent folder": 1, "broken links": 1}


def test_paths_other_than_regular_files_are_not_opened(lay):
    root = lay("left/0.mp4")
    os.mkfifo(root / "left" / "1.mp4")
    listing = list_folder(root)
    assert set(found(listing)) == {"left/0.mp4"}
    assert listing.ignored == {"files that are not videos": 1}


@pytest.mark.parametrize("name", ["left\nhand", "a\x1b[2Jb", "tab\tin", "bidi\u202ex", b"caf\xe9"])
def test_a_class_folder_whose_name_cannot_be_printed_is_refused(name, tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), os.fsencode(name))  # noqa: PTH118
    os.mkdir(folder)  # noqa: PTH102
    with open(os.path.join(folder, b"0.mp4"), "wb"):  # noqa: PTH118, PTH123
        pass
    with pytest.raises(UserError, match="rename the class") as caught:
        list_folder(tmp_path)
    assert str(caught.value).isprintable()


def test_names_of_class_folders_are_stripped(lay):
    listing = list_folder(lay("train/left /0.mp4", "train/left/1.mp4", "test/ left/2.mp4"))
    assert {label for label, _ in found(listing).values()} == {"left"}


def test_a_file_whose_name_is_not_unicode_is_left_out_and_named(lay):
    root = lay("left/0.mp4")
    (root / "left" / os.fsdecode(b"caf\xe9.mp4")).touch()
    listing = list_folder(root)
    assert set(found(listing)) == {"left/0.mp4"}
    (ignored,) = listing.ignored
    assert "name is not valid Unicode" in ignored


def test_the_written_split_file_is_not_a_stray(lay):
    assert not list_folder(lay("left/0.mp4", "split.csv")).ignored
