"""Data sets are opened from folders, CSV files and cards, and problems are reported."""

import json

import pytest
from video_files import REAL_VIDEOS, moving_frames, needs_real_videos, write_video

from pan_keras.data import ensure_motions, make_motions, open_data
from pan_keras.errors import UserError

CARD = """
name = "mine"
title = "My videos"
classes = ["wave", "clap"]
exclude = ["other"]
manifest = "list.csv"
source = "https://example.org"
[split.test]
column = "person"
values = ["eve"]
[split.val]
column = "person"
values = ["dan", "eve"]
"""


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Content of a small video file."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    return write_video(path, moving_frames(3, 32, 32)).read_bytes()


@pytest.fixture
def fill(tmp_path, content):
    """Writes the given number of videos into each named folder under the test's folder."""

    def write(**counts):
        for name, count in counts.items():
            folder = tmp_path / name.replace("__", "/")
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"{number:02d}.mp4").write_bytes(content)
        return tmp_path

    return write


def splits(data):
    return {split: len(data.clips(split)) for split in ("train", "val", "test")}


def test_class_folders_are_split_by_seed_and_the_split_is_written_down(fill):
    root = fill(wave=20, clap=10)
    data = open_data(root)
    assert data.classes == ("clap", "wave")
    assert splits(data) == {"train": 20, "val": 5, "test": 5}
    counts = data.report()["classes"]
    assert counts == {
        "clap": {"train": 6, "val": 2, "test": 2},
        "wave": {"train": 14, "val": 3, "test": 3},
    }
    assert (root / "split.csv").read_text() == data.split_table()
    assert data.split_table().splitlines()[0] == "path,label,split,seed"
    assert open_data(root).all_clips == data.all_clips
    assert open_data(root, split_seed=1).all_clips != data.all_clips


def test_clips_stay_in_their_split_when_others_are_added(fill, content):
    root = fill(wave=20)
    before = {clip.path: clip.split for clip in open_data(root).all_clips}
    for number in range(20, 40):
        (root / "wave" / f"{number}.mp4").write_bytes(content)
    data = open_data(root)
    after = {clip.path: clip.split for clip in data.all_clips}
    assert before.items() <= after.items()
    assert splits(data) == {"train": 28, "val": 6, "test": 6}


def test_a_read_only_folder_is_opened_without_writing(fill):
    root = fill(wave=10)
    root.chmod(0o555)
    data = open_data(root)
    assert not (root / "split.csv").exists()
    assert len(data.split_table().splitlines()) == 11


@pytest.mark.parametrize(
    ("count", "expected"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (4, (2, 1, 1))]
)
def test_small_classes_fill_the_training_split_first(count, expected, fill):
    data = open_data(fill(wave=count))
    assert tuple(splits(data).values()) == expected


@pytest.mark.parametrize("val", ["val", "valid", "Validation"])
def test_split_folders_are_used_unchanged(val, fill):
    root = fill(**{"train__a": 3, "train__b": 3, f"{val}__a": 2, f"{val}__b": 1, "test__a": 1})
    data = open_data(root)
    assert splits(data) == {"train": 6, "val": 3, "test": 1}
    assert data.split_table() is None
    assert not (root / "split.csv").exists()


def test_a_missing_val_is_taken_from_train_alone(fill):
    data = open_data(fill(train__a=10, train__b=10, test__a=5, test__b=5))
    assert splits(data) == {"train": 16, "val": 4, "test": 10}
    assert all("test" in clip.path.parts for clip in data.clips("test"))
    assert "val drawn from train" in data.report()["split_origin"]
    assert len(data.split_table().splitlines()) == 31


def test_a_train_folder_alone_is_split_in_three(fill):
    assert splits(open_data(fill(train__a=20))) == {"train": 14, "val": 3, "test": 3}


def test_a_train_and_a_val_folder_leave_test_empty(fill):
    assert splits(open_data(fill(train__a=4, val__a=2))) == {"train": 4, "val": 2, "test": 0}


def test_splits_beside_a_stray_folder_are_not_redrawn(fill):
    root = fill(train__left=3, train__right=3, val__left=1, test__right=2, annotations=0)
    (root / "annotations" / "notes.txt").touch()
    data = open_data(root)
    assert data.classes == ("left", "right")
    assert splits(data) == {"train": 6, "val": 1, "test": 2}
    assert data.report()["ignored"] == {"folder annotations without videos": 1}
    assert "ignored: 1 folder annotations without videos" in data.to_text()
    assert not (root / "split.csv").exists()


def test_opening_with_another_seed_keeps_the_split_of_the_first(fill):
    root = fill(wave=20, clap=20)
    first = open_data(root)
    open_data(root, split_seed=5)
    assert open_data(root).all_clips == first.all_clips


def test_a_clip_that_reappears_returns_to_its_split(fill):
    root = fill(wave=20)
    (clip, *_) = open_data(root).clips("test")
    content = clip.path.read_bytes()
    clip.path.unlink()
    open_data(root)
    open_data(root, split_seed=1)
    (root / "wave" / "new.mp4").write_bytes(content)
    open_data(root)
    clip.path.write_bytes(content)
    assert clip in open_data(root).clips("test")


def test_a_folder_called_csv_is_a_folder(fill):
    assert open_data(fill(**{"data.csv__wave": 2, "data.csv__clap": 2}) / "data.csv").classes


def test_copies_in_two_splits_or_classes_give_a_warning(tmp_path):
    for number, name in enumerate(("train/a/0", "train/a/1", "test/a/2")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(tmp_path / f"{name}.mp4", moving_frames(3, 32, 32, seed=number))
    assert open_data(tmp_path).warnings == ()
    copy = tmp_path / "test/a/copy.mp4"
    copy.write_bytes((tmp_path / "train/a/1.mp4").read_bytes())
    (warning,) = open_data(tmp_path).report()["warnings"]
    assert warning.startswith("a video is in several splits or classes, such as")
    assert f"{copy} (test, a)" in warning
    assert f"warning: {warning}" in open_data(tmp_path).to_text()


def test_classes_without_training_clips_or_differing_in_case_give_a_warning(fill):
    data = open_data(fill(train__a=2, test__A=1, test__b=1, val__a=1))
    assert "the classes A, a differ only in case" in data.warnings
    assert data.warnings[1:4] == (
        "A, b have no train clip",
        "A, b have no val clip",
        "a has no test clip",
    )


def test_a_class_may_be_called_train(fill):
    assert open_data(fill(train=4, bus=4)).classes == ("bus", "train")


def test_files_that_are_not_videos_are_ignored_and_counted(fill, content):
    root = fill(wave=4, empty=0)
    (root / "notes.txt").write_text("hello")
    (root / "wave" / "notes.txt").write_text("hello")
    (root / "wave" / ".hidden.mp4").write_bytes(content)
    (root / "stray.mp4").write_bytes(content)
    (root / ".git").mkdir()
    data = open_data(root)
    assert data.classes == ("wave",)
    assert data.report()["ignored"] == {
        "empty folders": 1,
        "files that are not videos": 2,
        "hidden files": 1,
        "videos outside a class folder": 1,
    }


def test_nested_videos_belong_to_the_class_folder(fill):
    data = open_data(fill(wave__anna=3, wave__ben=3, clap__anna=3))
    assert data.classes == ("clap", "wave")
    assert len(data.all_clips) == 9


@pytest.mark.parametrize("content_of", ["nothing", "empty class folders", "text"])
def test_a_folder_without_videos_is_named_with_what_was_expected(content_of, tmp_path):
    if content_of == "empty class folders":
        (tmp_path / "wave").mkdir()
    elif content_of == "text":
        (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match="expected a folder for each class") as caught:
        open_data(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("source", ["egogester", "no/such/folder"])
def test_an_unknown_source_is_named(source):
    with pytest.raises(UserError, match=r"not a folder, CSV file or data set name; .*egogestar"):
        open_data(source)


def write_csv(root, *lines):
    path = root / "list.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_csv_gives_labels_and_splits(fill):
    root = fill(videos=4)
    path = write_csv(
        root,
        "path,label,person,split",
        "videos/00.mp4,10,anna,train",
        "videos/01.mp4,9,anna,Validation",
        f"{root}/videos/02.mp4,10,eve,test",
        "videos/03.mp4,9,eve,training",
    )
    data = open_data(path)
    assert data.classes == ("9", "10")
    assert [(clip.path.name, clip.label, clip.split) for clip in data.all_clips] == [
        ("00.mp4", 1, "train"),
        ("01.mp4", 0, "val"),
        ("02.mp4", 1, "test"),
        ("03.mp4", 0, "train"),
    ]


def test_a_csv_without_a_split_is_split_by_seed(fill, tmp_path):
    root = fill(videos=10)
    lines = [f"{number:02d}.mp4,wave" for number in range(10)]
    path = write_csv(tmp_path, "path,label", *lines)
    data = open_data(path, root / "videos")
    assert splits(data) == {"train": 6, "val": 2, "test": 2}
    assert (tmp_path / "list.split.csv").read_text() == data.split_table()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["file,label", "a.mp4,x"], "the column 'path' is missing"),
        (["path", "a.mp4"], "the column 'label' is missing"),
        (["path,label"], "it lists no videos"),
        (["path,label", "a.mp4,"], "line 2: path or label is empty; fill in both"),
        (["path,label", "a.mp4"], "line 2: path or label is empty; fill in both"),
        (["path,label", "a.mp4,x", "a.mp4,x"], "line 3: a.mp4 is already listed in line 2"),
        (["path,label,split", "a.mp4,x,dev"], "line 2: split is 'dev'; it must be train, val"),
        (["path,label,split", "a.mp4,x"], "line 2: split is None"),
    ],
)
def test_an_error_in_a_csv_is_named_with_its_line(lines, message, tmp_path):
    with pytest.raises(UserError, match=message):
        open_data(write_csv(tmp_path, *lines))


def test_a_missing_file_of_a_csv_is_left_out_and_named_with_its_line(fill):
    root = fill(videos=3)
    lines = [f"videos/{number:02d}.mp4,wave" for number in range(4)]
    path = write_csv(root, "path,label", *lines)
    data = open_data(path, max_broken=0.5)
    (skipped,) = data.skipped
    assert skipped.path == root / "videos" / "03.mp4"
    assert skipped.reason == "there is no such file (line 5)"


def test_a_missing_or_foreign_csv_is_named(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        open_data(tmp_path / "list.csv")
    (tmp_path / "list.csv").write_bytes(b"path,label\n\xff\xfe\xff,x")
    with pytest.raises(UserError, match="not a CSV file in UTF-8"):
        open_data(tmp_path / "list.csv")


def test_a_foreign_split_file_beside_the_data_is_not_overwritten(fill):
    root = fill(wave=4)
    (root / "split.csv").write_text("video,part\na,b\n")
    with pytest.raises(UserError, match="not the split that pan-keras wrote"):
        open_data(root)
    assert (root / "split.csv").read_text() == "video,part\na,b\n"


def card_with(root, *rows, header="path,label,person"):
    (root / "mine.toml").write_text(CARD)
    write_csv(root, header, *rows)
    return root / "mine.toml"


def test_a_card_applies_its_split_rules_in_order_and_leaves_out_excluded_labels(fill):
    root = fill(v=4)
    people = ["v/00.mp4,clap,anna", "v/01.mp4,wave,dan", "v/02.mp4,wave,eve", "v/03.mp4,other,eve"]
    data = open_data(card_with(root, *people), root)
    assert data.classes == ("wave", "clap")
    assert [(clip.label, clip.split) for clip in data.all_clips] == [
        (1, "train"),
        (0, "val"),
        (0, "test"),
    ]
    report = data.report()
    assert report["card"] == "mine"
    assert report["ignored"] == {"clips labelled other": 1}


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["v/00.mp4,clop,anna"], "path,label,person", r"line 2: unknown label 'clop'.*'clap'"),
        (["v/00.mp4,clap,anna"], "path,label,who", "the column 'person'.* is missing"),
        (["v/00.mp4,other,anna"], "path,label,person", "a label that the card excludes"),
    ],
)
def test_a_manifest_that_does_not_fit_its_card_is_named(rows, header, message, fill):
    root = fill(v=1)
    with pytest.raises(UserError, match=message):
        open_data(card_with(root, *rows, header=header), root)


def test_columns_of_a_manifest_are_matched_without_spaces_and_case(fill):
    root = fill(v=2)
    rows = ["v/00.mp4, clap ,anna", "v/01.mp4,wave, eve "]
    data = open_data(card_with(root, *rows, header="Path, Label, Person"))
    assert [(clip.label, clip.split) for clip in data.all_clips] == [(1, "train"), (0, "test")]


def test_a_card_without_its_data_names_their_source(tmp_path):
    with pytest.raises(UserError, match=r"get them from https://.*--root"):
        open_data("egogestar")
    with pytest.raises(UserError, match=r"manifest.csv of egogestar is not here; get the data"):
        open_data("egogestar", tmp_path)


def test_the_embedded_data_set_is_made_where_it_is_absent(tmp_path, monkeypatch):
    def make_few(folder, *, progress):
        ensure_motions(folder, clips=24, progress=progress)

    monkeypatch.setattr("pan_keras.data.opening.ensure_motions", make_few)
    monkeypatch.chdir(tmp_path)
    calls = []
    data = open_data("motions", progress=lambda what, done, total: calls.append((what, done)))
    assert splits(data) == {"train": 8, "val": 8, "test": 8}
    assert data.classes[:2] == ("left", "right")
    assert calls == [
        *(("making motions", done) for done in range(1, 25)),
        *(("checking videos", done) for done in range(1, 25)),
    ]


def test_an_embedded_data_set_that_was_cut_short_is_completed(tmp_path):
    root = make_motions(tmp_path / "motions", clips=24)
    for clip in (root / "test").rglob("*.mp4"):
        clip.unlink()
    assert len(open_data("motions", root).all_clips) == 24


def test_broken_files_are_left_out_and_too_many_stop_the_run(fill):
    root = fill(wave=30)
    (root / "wave" / "00.mp4").write_bytes(b"")
    data = open_data(root)
    assert len(data.all_clips) == 29
    assert data.report()["skipped"] == [
        {"path": str(root / "wave" / "00.mp4"), "reason": "the file is empty"}
    ]
    for number in range(1, 25):
        (root / "wave" / f"{number:02d}.mp4").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="25 of 30 videos are broken, more than the 5%") as caught:
        open_data(root)
    assert "00.mp4: the file is empty" in str(caught.value)
    assert "and 5 more" in str(caught.value)
    assert len(open_data(root, max_broken=0.9).all_clips) == 5


def test_only_broken_files_are_refused_whatever_the_limit(tmp_path):
    (tmp_path / "wave").mkdir()
    (tmp_path / "wave" / "0.mp4").touch()
    with pytest.raises(UserError, match="1 of 1 videos are broken"):
        open_data(tmp_path, max_broken=1.0)


def test_the_report_is_json_with_ranges(fill, content):
    data = open_data(fill(wave=6))
    report = json.loads(json.dumps(data.report()))
    assert report["frames"] == {"min": 3, "median": 3, "max": 3}
    assert report["frame_rate"]["median"] == pytest.approx(25, rel=0.01)
    assert report["sizes"] == {"32x32": 6}
    text = data.to_text()
    assert "6 clips" in text
    assert "wave" in text


def test_an_unknown_split_is_refused(fill):
    with pytest.raises(UserError, match="split: 'dev' is not one of train, val, test"):
        open_data(fill(wave=3)).clips("dev")


@needs_real_videos
def test_egogestar_opens_by_its_card():
    data = open_data("egogestar", REAL_VIDEOS / "egogestar")
    assert splits(data) == {"train": 162, "val": 10, "test": 45}
    assert not data.skipped
    assert data.report()["ignored"] == {"clips labelled unclassified": 20}
    report = data.report()
    assert (report["frames"]["min"], report["frames"]["max"]) == (17, 216)


def test_a_root_beside_a_folder_is_refused_unless_it_is_that_folder(fill, tmp_path):
    root = fill(wave=4)
    assert len(open_data(root, root).all_clips) == 4
    with pytest.raises(UserError, match=r"so the root .* has no effect"):
        open_data(root, tmp_path.parent)
