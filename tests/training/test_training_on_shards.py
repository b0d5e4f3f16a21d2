"""Shards are trained on, evaluated and predicted as videos are; the run says what they are."""

import json
import shutil

import pytest
from click.testing import CliRunner
from shard_folders import flip_byte, make_shards
from small_settings import SMALL

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.training import resume, train
from pan_keras.video.shard_file import shard_clips

SETTINGS = (
    *SMALL,
    "training.batch=4",
)
pytestmark = pytest.mark.slow


def invoke(*arguments):
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def folder(motion_shards, tmp_path_factory):
    return shutil.copytree(motion_shards, tmp_path_factory.mktemp("data") / "shards")


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "run"
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    done = invoke("train", folder, "--run", place, *options)
    return place, done.output


def test_the_run_says_that_its_frames_are_compressed_again(trained, motion_shards):
    run, output = trained
    sentence = "the frames are those of shards (JPEG of quality 95, shorter side at most 256)"
    assert sentence in output.replace("\n", " ")
    shards = json.loads((run / "preprocessing.json").read_text())["shards"]
    assert (shards["format"], shards["quality"], shards["short_side"]) == ("jpeg", 95, 256)
    assert json.loads((run / "data_identity.json").read_text())["shards"] == shards
    assert json.loads((run / "data_report.json").read_text())["shards"] == shards
    # The card of the data goes along: `motions` forbids mirror images.
    assert (run / "card.toml").read_bytes() == (motion_shards / "card.toml").read_bytes()


def test_it_is_evaluated_and_predicts_clips_in_shards(trained, folder, small_motions):
    run, _ = trained
    assert "clips" in invoke("evaluate", run).output
    clip = shard_clips(folder)[0]
    assert clip.name in invoke("predict", run, clip).output
    assert invoke("predict", run, folder).output.count(".mp4: ") == 48
    shard = clip.parents[len(clip.relative_to(folder).parts) - 2]
    assert invoke("predict", run, shard).output.count(".mp4: ") == 16
    measured = invoke("evaluate", run, "--data", "motions", "--root", small_motions).output
    assert "was trained on frames of shards (JPEG of quality 95" in measured.replace("\n", " ")


def test_it_is_resumed_only_on_the_same_shards(trained, folder, small_motions, tmp_path):
    run = shutil.copytree(trained[0], tmp_path / "run")
    assert resume(run, quiet=True).rows[-1]["epoch"] == 1
    make_shards("motions", tmp_path / "poor", small_motions, quality=50)
    with pytest.raises(
        UserError, match="changed since it began: shards with quality 50 instead of"
    ):
        resume(run, root=tmp_path / "poor", quiet=True)


def test_a_damaged_record_is_left_out_and_named(folder, tmp_path):
    damaged = shutil.copytree(folder, tmp_path / "shards")
    flip_byte(damaged / "00001.arrayrecord", 0.5)
    result = train(damaged, overrides=SETTINGS, run=tmp_path / "run", quiet=True, preset=None)
    (left_out,) = json.loads((result.run.path / "data_report.json").read_text())["skipped"]
    assert "its record in 00001.arrayrecord is damaged" in left_out["reason"]
