"""A search depends on its seed, ranks by clips other than test clips, and can be resumed."""

import json
import shutil

import pytest
from click.testing import CliRunner
from small_settings import SMALL

from pan_keras.cli import main
from pan_keras.config import load_config
from pan_keras.config.loading import read_config
from pan_keras.data import open_data
from pan_keras.errors import UserError
from pan_keras.evaluation import Trial, Tuning, resume_tuning, tune
from pan_keras.evaluation.search_space import described, draw_trials, search_space
from pan_keras.metrics import Interval
from pan_keras.runs.run import open_run

TINY = (
    *SMALL,
    "training.batch=8",
)
CALIBRATED = (*TINY, "training.false_alarms=0.9")  # for which one validation clip is enough


def test_the_space_keeps_settings_of_the_user_and_starts_with_the_current_ones():
    config = load_config(overrides=["training.mixup=0.4", "model.dropout=0.3"])
    space = search_space(config, {"training": {"learning_rate": 1e-3}})
    assert all(axis[0] == [] for axis in space.values())
    assert space["learning rate"] == [[]]
    assert space["mixup"] == [[], ["training.mixup=0.0"], ["training.mixup=0.2"]]
    assert space["epochs"][1] == ["training.epochs=75"]
    assert "first rate" not in space
    started = load_config(overrides=["model.weights=imagenet"])
    assert search_space(started)["first rate"][1] == ["training.first_rate=0.1"]


def test_trials_differ_and_follow_the_seed():
    space = search_space(load_config())
    trials = draw_trials(space, 8, seed=3)
    assert trials[0] == []
    assert len({tuple(trial) for trial in trials}) == 8
    assert trials == draw_trials(space, 8, seed=3)
    assert trials != draw_trials(space, 8, seed=4)
    for trial in trials:
        load_config(overrides=trial)


def test_a_space_may_have_fewer_points_than_trials():
    assert len(draw_trials({"mixup": [[], ["training.mixup=0.2"]]}, 5, seed=0)) == 2


def test_the_table_ranks_trials_and_reports_ties_within_the_interval():
    trials = (
        Trial(2, ("training.mixup=0.2",), 0.8, Interval(0.6, 0.9), 0.5, "b"),
        Trial(1, (), 0.7, Interval(0.5, 0.8), 0.6, "a"),
    )
    result = Tuning("videos", "20 validation clips", trials)
    text = result.to_markdown()
    assert text.splitlines()[2] == "| 2 | 0.800 | 0.600 to 0.900 | 0.500 | mixup=0.2 |"
    assert "2 of 2 trials are within the interval of the best" in text
    assert result.to_csv().splitlines()[1] == "2,0.8,0.6,0.9,0.5,training.mixup=0.2,b"
    assert described([]) == "as chosen"


@pytest.fixture(scope="module")
def tuned(small_motions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned") / "search"
    result = tune(
        "motions",
        root=small_motions,
        trials=2,
        seed=1,
        overrides=CALIBRATED,
        run=folder,
        quiet=True,
    )
    return folder, result


def test_trials_are_ranked_by_validation_clips_alone(tuned):
    folder, result = tuned
    ranks = [(-trial.top1, trial.log_loss) for trial in result.trials]
    assert ranks == sorted(ranks)
    assert {trial.number for trial in result.trials} == {1, 2}
    for number in (1, 2):
        measured = {file.name for file in (folder / f"trial-{number}" / "evaluation").iterdir()}
        assert not any(name.startswith("test") for name in measured)
    best = read_config(folder / "best.toml")
    kept = open_run(result.trials[0].run).config
    assert (best.model.dropout, best.training.mixup, best.training.learning_rate) == (
        kept.model.dropout,
        kept.training.mixup,
        kept.training.learning_rate,
    )


def test_each_trial_is_calibrated_on_the_validation_clips(tuned):
    folder, _ = tuned
    for number in (1, 2):
        run = open_run(folder / f"trial-{number}")
        held = [clip for clip in run.identity.clips if clip.split == "val"]
        assert run.confidence_record["clips"] == len(held) > 0


def test_a_search_resumes_where_it_stopped(tuned, tmp_path):
    folder, result = tuned
    own = shutil.copytree(folder, tmp_path / "own")
    shutil.rmtree(own / "trial-2")
    before = (own / "trial-1" / "model.keras").stat().st_mtime_ns
    again = CliRunner().invoke(main, ["train", "--resume", "--run", str(own), "--json"])
    assert again.exit_code == 0, again.output
    found = {trial["trial"]: trial["top1"] for trial in json.loads(again.stdout)["trials"]}
    assert found == {trial.number: trial.top1 for trial in result.trials}
    assert (own / "trial-1" / "model.keras").stat().st_mtime_ns == before


@pytest.mark.slow
def test_folds_of_a_search_hold_no_test_clip(small_motions, tmp_path):
    result = tune(
        "motions",
        root=small_motions,
        trials=1,
        folds=2,
        overrides=TINY,
        run=tmp_path / "search",
        quiet=True,
    )
    data = open_data("motions", small_motions)
    tests = {clip.path.name for clip in data.clips("test")}
    record = (tmp_path / "search" / "trial-1" / "folds.csv").read_text()
    assert not any(name in record for name in tests)
    expected = len(data.clips("train")) + len(data.clips("val"))
    assert f"2 folds of {expected} training and validation clips" == result.measured


def test_a_search_without_validation_clips_is_refused(small_motions, tmp_path):
    videos = sorted(small_motions.rglob("*.mp4"))[:4]
    places = [("a", "train"), ("a", "test"), ("b", "train"), ("b", "test")]
    rows = [
        f"{video},{label},{split}" for video, (label, split) in zip(videos, places, strict=True)
    ]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label,split", *rows]))
    with pytest.raises(UserError, match="no validation clips to rank trials by; add --folds 5"):
        tune(tmp_path / "clips.csv", overrides=TINY, run=tmp_path / "search", quiet=True)
    assert not (tmp_path / "search").exists()
    with pytest.raises(UserError, match="no search"):
        resume_tuning(tmp_path)
