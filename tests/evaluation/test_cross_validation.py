"""Each clip is tested once, by a run not trained on it; finished folds are not repeated."""

import csv
import json
import shutil

import pytest
from click.testing import CliRunner
from small_settings import SMALL

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.evaluation import CrossValidation, Fold, cross_validate, resume_folds
from pan_keras.evaluation.fold_record import FoldRecord
from pan_keras.runs.run import open_run

TINY = (
    *SMALL,
    "training.batch=4",
    "training.false_alarms=0.9",  # for which one validation clip is enough
)


@pytest.fixture(scope="module")
def table(small_motions, tmp_path_factory):
    """A list of twelve clips of two classes by three people, with a split."""
    folder = tmp_path_factory.mktemp("table")
    rows = []
    for label in ("approach", "recede"):
        videos = sorted(small_motions.rglob(f"*/{label}/*.mp4"))[:6]
        for place, video in enumerate(videos):
            name = f"{label}-{place}.mp4"
            shutil.copyfile(video, folder / name)
            split = "test" if place == 5 else "val" if place == 4 else "train"
            rows.append((name, label, split, f"P{place % 3}"))
    path = folder / "clips.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "split", "Person"), *rows])
    return path


@pytest.fixture(scope="module")
def crossed(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crossed") / "folds"
    lines = []
    result = cross_validate(
        table, groups="person", overrides=TINY, run=folder, quiet=True, tell=lines.append
    )
    return folder, result, lines


def test_each_group_is_left_out_once(crossed, table):
    folder, result, lines = crossed
    assert [fold.name for fold in result.folds] == ["P0", "P1", "P2"]
    assert [fold.clips for fold in result.folds] == [4, 4, 4]
    assert lines[0].startswith("fold P0: ")
    tested = set()
    for number in (1, 2, 3):
        clips = open_run(folder / f"fold-{number}").identity.clips
        held = {clip.path for clip in clips if clip.split == "test"}
        assert {int(path[-5]) % 3 for path in held} == {number - 1}
        assert {clip.split for clip in clips} == {"train", "val", "test"}
        tested |= held
    assert len(tested) == 12
    assert json.loads((folder / "results.json").read_text()) == result.to_json()


def test_all_folds_have_the_same_settings(crossed):
    folder, _, _ = crossed
    first, *others = (open_run(folder / f"fold-{number}").config for number in (1, 2, 3))
    for other in others:
        assert (other.model, other.augmentation, other.training) == (
            first.model,
            first.augmentation,
            first.training,
        )
    assert first.augmentation.contrast == 0.6  # as chosen for few clips


def test_each_fold_is_calibrated_on_its_own_validation_clips(crossed):
    folder, _, _ = crossed
    for number in (1, 2, 3):
        run = open_run(folder / f"fold-{number}")
        held = [clip for clip in run.identity.clips if clip.split == "val"]
        assert run.confidence_record["clips"] == len(held) > 0
        assert run.confidence.threshold is not None


@pytest.mark.slow
def test_finished_folds_are_read_and_missing_ones_trained(crossed, tmp_path):
    folder, result, _ = crossed
    own = shutil.copytree(folder, tmp_path / "own")
    before = (own / "fold-1" / "model.keras").stat().st_mtime_ns
    shutil.rmtree(own / "fold-3")
    again = CliRunner().invoke(main, ["train", "--resume", "--run", str(own), "--json"])
    assert again.exit_code == 0, again.output
    found = json.loads(again.stdout)
    assert [fold["correct"] for fold in found["folds"]] == [fold.correct for fold in result.folds]
    assert (own / "fold-1" / "model.keras").stat().st_mtime_ns == before


def test_folds_stay_when_clips_are_added_and_missing_clips_are_named(crossed, table, tmp_path):
    folder, result, _ = crossed
    data = shutil.copytree(table.parent, tmp_path / "data")
    own = shutil.copytree(folder, tmp_path / "own")
    facts = json.loads((own / "folds.json").read_text())
    (own / "folds.json").write_text(json.dumps({**facts, "root": str(data)}))
    with (data / "clips.csv").open("a") as file:
        file.write("more.mp4,recede,train,P9\n")
    shutil.copyfile(data / "recede-0.mp4", data / "more.mp4")
    assert len(FoldRecord.read(own).clips) == 12
    assert resume_folds(own, quiet=True).clips == result.clips
    (data / "recede-1.mp4").unlink()
    with pytest.raises(UserError, match=r"recede-1\.mp4: is gone since the folds were drawn"):
        resume_folds(own, quiet=True)


def test_mean_and_interval_are_over_folds_and_the_share_over_clips():
    folds = (Fold("A", 10, 9, 0.2, "a"), Fold("B", 10, 7, 0.6, "b"), Fold("C", 20, 16, 0.4, "c"))
    result = CrossValidation("clips.csv", "scene", folds)
    assert result.mean == pytest.approx(0.8)
    assert result.interval == pytest.approx((0.8 - 0.24841, 1.0), abs=1e-4)
    assert result.top1 == pytest.approx(32 / 40)
    assert result.log_loss == pytest.approx(0.4)
    text = result.to_markdown()
    assert "| scene left out | Clips | Top-1 |" in text
    assert "32 of 40 right" in text
    assert result.to_csv().splitlines()[1] == "A,10,9,0.9,0.2,a"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--groups", "scene"], "there is no column 'scene' to group clips by (the columns are"),
        (["--folds", "1"], "folds: 1; it must be from 2"),
        (["--groups", "label"], "holds all 6 clips of the class 'approach'"),
        (["--folds", "2", "--preset", "best"], "there is no 'best'"),
        (["--folds", "2", "--resume"], "remove the other arguments"),
        (["--folds", "2", "--preset", "fast", "--config", "small"], "remove one of them"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(arguments, message, table, tmp_path):
    data = [] if "--resume" in arguments else [str(table)]
    run = tmp_path / "run"
    result = CliRunner().invoke(main, ["train", *data, *arguments, "--run", str(run)])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not run.exists()


def test_a_class_of_one_clip_is_one_sentence(table, tmp_path):
    rows = table.read_text().splitlines()
    last = max(place for place, row in enumerate(rows) if ",recede," in row)
    few = [row for place, row in enumerate(rows) if ",recede," not in row or place == last]
    (table.parent / "few.csv").write_text("\n".join(few))
    arguments = ["train", str(table.parent / "few.csv"), "--folds", "2"]
    result = CliRunner().invoke(main, [*arguments, "--run", str(tmp_path / "run")])
    assert result.exit_code == 2, result.output
    assert "recede has one clip, which cannot be trained and tested on" in result.output
    assert not (tmp_path / "run").exists()


def test_folders_have_no_groups(small_motions, tmp_path):
    with pytest.raises(UserError, match="groups need a CSV file"):
        cross_validate(small_motions, groups="person", run=tmp_path / "run", quiet=True)
