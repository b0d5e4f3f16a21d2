"""A run on remote data is trained, resumed and evaluated by the address of the data."""

import json

import pytest
from click.testing import CliRunner
from remote_storage import connect, s3_server
from small_settings import SMALL

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.remote.store import RemoteStore
from pan_keras.runs import open_run

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


def test_a_finished_run_is_copied_where_it_was_asked_for(motion_shards, tmp_path, monkeypatch):
    target = "s3://runs/models/waves"
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    with s3_server(motion_shards.parent, "runs") as server:

        def stored():
            found = server.client.list_objects_v2(Bucket="runs", Prefix="models")
            return sorted(each["Key"] for each in found.get("Contents", ()))

        def refused(*arguments):
            done = CliRunner().invoke(main, list(map(str, arguments)))
            assert done.exit_code == 2, done.output
            return done.stderr.strip().splitlines()[-1]

        connect(server, monkeypatch, tmp_path / "cache")
        run = tmp_path / "run"
        train = ("train", motion_shards, *options)
        assert "not an address, such as s3://BUCKET/NAME" in refused(*train, "--copy-to", "models")
        several = (*train, "--folds", 2, "--run", tmp_path / "folds", "--copy-to", target)
        assert "--copy-to copies a single run" in refused(*several)
        # The copy fails, but not the training before it.
        written = RemoteStore.write

        def broken(self, key, file):
            if key.endswith("config.toml"):
                raise UserError(f"s3://runs/{key}: cannot be written")
            written(self, key, file)

        with monkeypatch.context() as patch:
            patch.setattr(RemoteStore, "write", broken)
            said = refused(*train, "--run", run, "--copy-to", target)
        assert f"the run is complete: pan-keras copy {run} ADDRESS" in said
        assert stored() == []
        # A finished run is not trained again, but copied.
        resumed = invoke("train", "--resume", "--run", run, "--copy-to", target, "--json")
        assert json.loads(resumed.splitlines()[-1])["copy"] == target
        kept = open_run(target)
        assert kept.metrics() == open_run(run).metrics()
        assert (kept.path / "model.keras").read_bytes() == (run / "model.keras").read_bytes()
        # What is there is refused before anything is trained.
        before = stored()
        said = refused(*train, "--run", tmp_path / "other", "--copy-to", target)
        assert said.endswith("there is a run or bundle here already; name another address")
        assert not (tmp_path / "other").exists()
        assert stored() == before
