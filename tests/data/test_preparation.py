"""Published data sets are prepared from the files as distributed; membership is never changed."""

import csv
import json
import shutil

import pytest
from stand_ins import HMDB_CLASSES, MAKERS, avi, frame_folder, mp4

from pan_keras.data import load_card, open_data, prepare_dataset
from pan_keras.errors import UserError


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """Every stand-in by name, made once; tests that change one copy it."""
    made = {}

    def make(name):
        if name not in made:
            made[name] = MAKERS[name](tmp_path_factory.mktemp(name) / "data")
        return made[name]

    return make


@pytest.fixture
def own(stand_ins, tmp_path):
    """A copy of a stand-in that a test may change."""

    def copy(name):
        return shutil.copytree(stand_ins(name).root, tmp_path / name)

    return copy


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", MAKERS)
def test_a_data_set_is_prepared_as_distributed(name, stand_ins, tmp_path):
    made = stand_ins(name)
    done = prepare_dataset(name, made.root, tmp_path / "out")
    assert done.splits == made.splits
    problems = {problem.clip: problem.reason.partition(":")[0] for problem in done.problems}
    assert problems == made.reasons
    assert rows(tmp_path / "out" / "problems.csv") == [
        {"clip": p.clip, "label": p.label, "splits": p.splits, "reason": p.reason}
        for p in done.problems
    ]
    card = load_card(name)
    assert done.classes == (card.classes or made.classes)
    for fold, expected in enumerate(made.splits, 1):
        data = open_data(name, tmp_path / "out", fold=fold if card.benchmark.folds else None)
        assert {s: n for s, n in data.report()["splits"].items() if n} == expected
        assert data.classes == done.classes
        assert data.drawn is None
        labels = {data.classes[clip.label] for clip in data.all_clips}
        assert labels == set(made.classes)
    assert not (tmp_path / "out" / "split.csv").exists()
    assert len({(info.width, info.height) for info in data.infos.values()}) > 1


@pytest.mark.parametrize("name", MAKERS)
def test_each_clip_has_the_class_and_split_of_its_list(name, stand_ins, tmp_path):
    root = stand_ins(name).root
    prepare_dataset(name, root, tmp_path)
    found = {row["path"]: row for row in rows(tmp_path / "manifest.csv")}
    if name == "ucf101":
        row = found[str(root / "UCF-101/HandstandPushups/v_HandStandPushups_g02_c01.avi")]
        splits = [row[f"fold{fold}"] for fold in (1, 2, 3)]
        assert (row["label"], splits) == ("HandstandPushups", ["train", "test", "train"])
    elif name == "hmdb51":
        row = found[str(root / "climb_stairs/climb_stairs_#2_(x)_u_cm_np1_fr_goo_2.avi")]
        splits = [row[f"fold{fold}"] for fold in (1, 2, 3)]
        assert (row["label"], splits) == ("climb_stairs", ["train", "test", ""])
    elif name == "kinetics400":
        row = found[str(root / "val/tango_dancing/-vid_00012_000084_000094.mp4")]
        assert (row["label"], row["split"]) == ("tango dancing", "val")
    else:
        label = "Thumb Up" if name == "jester" else "Putting something on something"
        (row,) = [row for path, row in found.items() if path.endswith(("/12", "/12.webm"))]
        assert (row["label"], row["split"]) == (label, "val")


def test_paths_are_relative_if_the_manifest_lies_above_the_clips(own, tmp_path):
    root = own("jester")
    prepare_dataset("jester", root, root)
    assert rows(root / "manifest.csv")[0]["path"] == "20bn-jester-v1/1"
    moved = root.rename(tmp_path / "moved")
    assert len(open_data("jester", moved).all_clips) == 10


def test_a_second_call_reads_only_what_changed(own):
    root = own("ucf101")
    first = prepare_dataset("ucf101", root, root)
    assert first.known == 0
    avi(root / "UCF-101" / "Archery" / "v_Archery_g01_c01.avi", 1)
    (root / "UCF-101" / "Archery" / "v_Archery_g99_c01.avi").unlink()
    second = prepare_dataset("ucf101", root, root)
    assert second.known == 16
    assert second.splits == (
        {"train": 11, "test": 6},
        {"train": 12, "test": 5},
        {"train": 11, "test": 6},
    )
    assert [problem.reason.partition(":")[0] for problem in second.problems] == ["broken"]


def test_an_interrupted_call_leaves_no_manifest_and_is_continued(own):
    root = own("kinetics400")

    def stop(what, done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_dataset("kinetics400", root, root, progress=stop)
    assert not (root / "manifest.csv").exists()
    assert prepare_dataset("kinetics400", root, root).known >= 3


def test_another_data_set_or_source_is_refused_in_a_prepared_folder(own, stand_ins, tmp_path):
    out = tmp_path / "out"
    prepare_dataset("hmdb51", stand_ins("hmdb51").root, out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    moved = own("hmdb51")
    for name, source in (("ucf101", stand_ins("ucf101").root), ("hmdb51", moved)):
        with pytest.raises(UserError) as refused:
            prepare_dataset(name, source, out)
        assert str(refused.value) == (
            f"{out}: holds hmdb51 prepared from {stand_ins('hmdb51').root}, which {name} from "
            f"{source} would overwrite; name another folder, or remove {out / 'prepared.json'}"
        )
        assert {file.name: file.read_bytes() for file in out.iterdir()} == before
    assert prepare_dataset("hmdb51", stand_ins("hmdb51").root, out).known > 0
    (out / "prepared.json").write_text("{}")
    with pytest.raises(UserError, match=r"prepared.json: damaged, so what this folder was"):
        prepare_dataset("hmdb51", stand_ins("hmdb51").root, out)
    (out / "prepared.json").unlink()  # as an earlier version left the folder
    with pytest.raises(UserError, match=r"classes.txt: has other classes than ucf101"):
        prepare_dataset("ucf101", stand_ins("ucf101").root, out)
    prepare_dataset("hmdb51", moved, out)


def test_a_prepared_folder_with_its_clips_may_be_moved(own, tmp_path):
    root = own("jester")
    prepare_dataset("jester", root, root)
    moved = root.rename(tmp_path / "moved")
    assert prepare_dataset("jester", moved, moved).known == 10


def test_deviating_numbers_are_told_with_both(stand_ins, tmp_path):
    done = prepare_dataset("something-v1", stand_ins("something-v1").root, tmp_path)
    assert "7 usable train clips, and the paper has 86,017" in done.warnings
    assert "2 usable test clips, and the paper has 10,960" in done.warnings
    assert "3 classes in the label files, and 174 expected" in done.warnings
    text = prepare_dataset("hmdb51", stand_ins("hmdb51").root, tmp_path / "h").to_text()
    assert "warning: 13 usable clips, and the paper has 6,766" in text
    assert "left out: 1 broken, 1 missing, 1 not listed; " in text
    assert text.endswith(f"pan-keras train hmdb51 --root {tmp_path / 'h'} --fold 1 --run runs/NAME")


def test_numbers_within_the_tolerance_are_not_told(stand_ins, tmp_path):
    card = tmp_path / "own.toml"
    text = (
        "name = 'own'\ntitle = 'Own'\nmanifest = 'list.csv'\n[benchmark]\nlayout = 'kinetics'\n"
        "clips = {all = 11}\ntolerance = "
    )
    for tolerance, warned in (("0.1", False), ("0.05", True)):
        card.write_text(text + tolerance)
        done = prepare_dataset(card, stand_ins("kinetics400").root, tmp_path / tolerance)
        assert bool(done.warnings) == warned
    assert done.manifest == tmp_path / "0.05" / "list.csv"
    assert len(open_data(card, tmp_path / "0.05").all_clips) == 10


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("{video}.mp4", "flat"),
        ("clips/shaking hands/{clip}.mkv", "spaces"),
        ("train/{label}/{clip}.avi", "another container"),
        ("k400/train/{clip}.mp4", "one folder for each split"),
    ],
)
def test_the_usual_layouts_of_kinetics_are_found(place, name, own, tmp_path):
    root = own("kinetics400")
    for number in (5, 6, 7):
        clip = f"-vid_{number:05}_{7 * number:06}_{7 * number + 10:06}"
        (root / "train" / "shaking_hands" / f"{clip}.mp4").unlink()
        names = {"video": clip[:10], "clip": clip, "label": "shaking_hands"}
        mp4(root / place.format(**names), number)
    done = prepare_dataset("kinetics400", root, tmp_path / "out")
    assert done.splits == ({"train": 8, "val": 3},)
    assert not any("another class or split" in warning for warning in done.warnings)


def test_the_name_of_a_video_is_not_enough_if_it_has_two_clips(own, tmp_path):
    root = own("kinetics400")
    with (root / "annotations" / "train.csv").open("a") as file:
        file.write("abseiling,-vid_00001,100,110,train\n")
    folder = root / "train" / "abseiling"
    (folder / "-vid_00001_000007_000017.mp4").rename(folder / "-vid_00001.mp4")
    done = prepare_dataset("kinetics400", root, tmp_path / "out")
    assert done.splits == ({"train": 6, "val": 3},)
    reasons = {problem.clip: problem.reason.partition(":")[0] for problem in done.problems}
    assert reasons["-vid_00001_000007_000017"] == reasons["-vid_00001_000100_000110"] == "missing"
    assert reasons["train/abseiling/-vid_00001.mp4"] == "not listed"


def test_a_repaired_clip_is_preferred_and_other_copies_are_refused(own, tmp_path):
    root = own("kinetics400")
    broken = "-vid_00005_000035_000045.mp4"
    mp4(root / "replacement" / "replacement_for_corrupted_k400" / broken, 5)
    twice = "-vid_00006_000042_000052.mp4"
    shutil.copyfile(root / "train" / "shaking_hands" / twice, root / "train" / "abseiling" / twice)
    done = prepare_dataset("kinetics400", root, tmp_path / "out")
    reasons = {problem.clip: problem.reason for problem in done.problems}
    assert "-vid_00005_000035_000045" not in reasons
    assert reasons["-vid_00006_000042_000052"].startswith("found 2 times: as ")


def test_the_lists_decide_about_a_clip_in_the_folder_of_another_split(own, tmp_path):
    root = own("kinetics400")
    name = "-vid_00012_000084_000094.mp4"
    (root / "val" / "tango_dancing" / name).rename(root / "train" / name)
    done = prepare_dataset("kinetics400", root, tmp_path / "out")
    assert done.splits == ({"train": 7, "val": 3},)
    (warning,) = [each for each in done.warnings if "another class or split" in each]
    assert f"such as {root / 'train' / name}; the lists decide" in warning


def test_clips_extracted_to_frames_stand_for_videos(own, tmp_path):
    root = own("something-v2")
    (root / "20bn-something-something-v2" / "2.webm").unlink()
    frame_folder(root / "20bn-something-something-v2" / "2", 2)
    done = prepare_dataset("something-v2", root, tmp_path / "out")
    assert done.splits == ({"train": 7, "val": 3},)


def test_labels_of_test_clips_are_used_if_they_are_there(own, tmp_path):
    root = own("jester")
    (root / "labels" / "jester-v1-test.csv").write_text("13;Thumb Up\n14\n")
    assert prepare_dataset("jester", root, tmp_path).splits == ({"train": 7, "val": 3, "test": 1},)


def remove(path):
    def change(root):
        (root / path).unlink()

    return change


def replace(path, old, new):
    def change(root):
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new, 1))

    return change


def no_clips(folder):
    return lambda root: shutil.rmtree(root / folder)


V1 = "something-something-v1-"
UCF, HMDB = "ucfTrainTestlist/", "testTrainMulti_7030_splits/"
MISTAKES = [
    ("something-v1", remove(f"{V1}labels.csv"), r"label file something-something-v1-labels\.csv"),
    ("something-v1", remove(f"{V1}test.csv"), r"something-something-v1-test\.csv \(or .*only 20bn"),
    ("something-v1", replace(f"{V1}train.csv", ";Holding", ";Holdin"), "mean 'Holding something'"),
    (
        "something-v1",
        replace(f"{V1}validation.csv", "4;", "1;"),
        "line 1: the clip 1 is listed bef",
    ),
    ("something-v1", replace(f"{V1}train.csv", "1;Holding something", "1"), "clip 1 has no class"),
    (
        "something-v1",
        no_clips("20bn-something-something-v1"),
        "looked for 1 and others in 20bn-some",
    ),
    ("something-v2", replace("labels/train.json", "[{", "[{,"), "this is not JSON"),
    (
        "something-v2",
        replace("labels/train.json", '"id": "1"', '"no": 1'),
        "entry 1: it must be an",
    ),
    (
        "something-v2",
        replace("labels/labels.json", '"0"', '"none"'),
        "map each class to its number",
    ),
    ("jester", replace("labels/jester-v1-labels.csv", "Thumb Up", "Thumb Upp"), "Thumb Upp"),
    ("kinetics400", remove("annotations/validate.csv"), r"label file val\.csv \(or "),
    (
        "kinetics400",
        replace("annotations/train.csv", "youtube_id", "id"),
        "'youtube_id' is missing",
    ),
    ("kinetics400", replace("annotations/train.csv", ",7,17,", ",x,17,"), "'x' is not a time"),
    (
        "kinetics400",
        replace("annotations/train.csv", "17,train", "17,test"),
        "'test' in the list of",
    ),
    (
        "ucf101",
        remove(f"{UCF}classInd.txt"),
        r"classInd\.txt of ucf101 is neither here nor in a fo",
    ),
    ("ucf101", remove(f"{UCF}trainlist02.txt"), r"trainlist02\.txt of ucf101"),
    (
        "ucf101",
        replace(f"{UCF}classInd.txt", "2 Archery", "Archery"),
        "line 2: 'Archery' is not a n",
    ),
    (
        "ucf101",
        replace(f"{UCF}trainlist01.txt", "avi 1", "avi 2"),
        "classInd.txt gives ApplyEyeMake",
    ),
    (
        "ucf101",
        replace(f"{UCF}testlist01.txt", "g01_c01", "g02_c01"),
        "listed before, in the train",
    ),
    (
        "ucf101",
        no_clips("UCF-101"),
        "looked for ApplyEyeMakeup and others in UCF-101, .* found ucfT",
    ),
    ("hmdb51", remove(f"{HMDB}climb_stairs_test_split3.txt"), r"climb_stairs_test_split3\.txt of"),
    (
        "hmdb51",
        replace(f"{HMDB}brush_hair_test_split1.txt", " 2 ", " 7 "),
        "not a file and 0, 1 or",
    ),
    ("hmdb51", no_clips("testTrainMulti_7030_splits"), r"such as brush_hair_test_split1\.txt, are"),
]


@pytest.mark.parametrize(("name", "change", "message"), MISTAKES)
def test_damaged_files_are_named_and_nothing_is_written(name, change, message, own, tmp_path):
    root = own(name)
    change(root)
    with pytest.raises(UserError, match=message):
        prepare_dataset(name, root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_list_with_every_clip_missing_is_refused(own, tmp_path):
    root = own("hmdb51")
    for label in HMDB_CLASSES:
        for clip in (root / label).iterdir():
            clip.write_bytes(b"")
    with pytest.raises(UserError, match=r"none of the 15 clips of hmdb51 can be used, such as br"):
        prepare_dataset("hmdb51", root, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.csv").exists()


def test_only_published_data_sets_are_prepared_and_other_files_are_kept(own, tmp_path):
    with pytest.raises(
        UserError, match=r"motions: only published data sets are prepared \(hmdb51,"
    ):
        prepare_dataset("motions", tmp_path, tmp_path)
    with pytest.raises(UserError, match=r"absent: there is no such folder"):
        prepare_dataset("ucf101", tmp_path / "absent", tmp_path)
    root = own("ucf101")
    (root / "manifest.csv").write_text("path,label\na.mp4,wave\n")
    with pytest.raises(UserError, match=r"manifest\.csv: was not written by dataset prepare"):
        prepare_dataset("ucf101", root, root)
    assert (root / "manifest.csv").read_text() == "path,label\na.mp4,wave\n"
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: cannot be created"):
        prepare_dataset("ucf101", root, tmp_path / "file")


def test_the_result_is_json(stand_ins, tmp_path):
    done = prepare_dataset("jester", stand_ins("jester").root, tmp_path)
    report = json.loads(json.dumps(done.to_json()))
    assert report["splits"] == [{"train": 7, "val": 3}]
    assert report["problems"][0] == {
        "clip": "3",
        "label": "Swiping Left",
        "splits": "train",
        "reason": f"missing: not in {stand_ins('jester').root / '20bn-jester-v1'}",
    }
