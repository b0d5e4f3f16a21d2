"""A run on remote data is trained, resumed and evaluated by the address of the data."""

import json

import pytest
from click.testing import CliRunner
from remote_storage import connect, s3_server
from small_settings import SMALL

from pan_keras.cli import main

pytestmark = pytest.mark.slow
SETTINGS = (
    *SMALL,
    "training.batch=4",
)


def invoke(*arguments):
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.output


def test_train_resume_evaluate_and_shard_take_an_address(motion_shards, tmp_path, monkeypatch):
    with s3_server(motion_shards.parent, "bucket") as server:
        connect(server, monkeypatch, tmp_path / "cache")
        source = f"s3://bucket/{motion_shards.name}"
        options = [word for setting in SETTINGS for word in ("--set", setting)]
        assert f"train {source}" not in invoke("train", source, "--run", tmp_path / "run", *options)
        assert f'source = "{source}"' in (tmp_path / "run" / "config.toml").read_text()
        shards = json.loads((tmp_path / "run" / "preprocessing.json").read_text())["shards"]
        assert shards["format"] == "jpeg"
        invoke("train", "--resume", "--run", tmp_path / "run")
        accuracy = invoke("evaluate", tmp_path / "run").partition("\n")[0]
        assert "8 clips of test" in accuracy
        again = invoke("evaluate", tmp_path / "run", "--data", source)
        assert again.partition("\n")[0] == accuracy


def test_a_cross_validation_on_remote_shards_is_evaluated_on_another_machine(
    motion_shards, tmp_path, monkeypatch
):
    with s3_server(motion_shards.parent, "folds") as server:
        connect(server, monkeypatch, tmp_path / "cache")
        source = f"s3://folds/{motion_shards.name}"
        options = [word for setting in SETTINGS for word in ("--set", setting)]
        done = invoke("train", source, "--folds", 2, "--run", tmp_path / "run", "--json", *options)
        result = json.loads(done.splitlines()[-1])
        connect(server, monkeypatch, tmp_path / "elsewhere")
        scores = json.loads(invoke("evaluate", tmp_path / "run" / "fold-1", "--json"))
        fold = result["folds"][0]
        assert (scores["clips"], scores["top1"]) == (fold["clips"], pytest.approx(fold["top1"]))
