"""Runs and bundles in remote storage are complete and intact, or cannot be opened."""

import json
import os
import shutil
import signal

import pytest
from click.testing import CliRunner
from remote_storage import connect, s3_server
from small_disks import small_disk
from video_files import moving_frames, write_video

from pan_keras.bundle import Bundle, is_bundle
from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.files import cache_folder
from pan_keras.remote import copies
from pan_keras.remote.copies import local_copy
from pan_keras.remote.store import RemoteStore
from pan_keras.runs import open_run
from pan_keras.runs.copying import copy_model

pytest.importorskip("obstore")
pytest.importorskip("moto")

TARGET = "s3://models/folder/waves"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    (place / "other").mkdir()
    (place / "other" / "notes.txt").write_text("text")
    with s3_server(place, "models") as proxy:
        yield proxy


@pytest.fixture
def s3(server, monkeypatch, tmp_path):
    yield connect(server, monkeypatch, tmp_path / "cache")
    for key in keys(server):
        server.client.delete_object(Bucket="models", Key=key)


def keys(server):
    found = server.client.list_objects_v2(Bucket="models", Prefix="folder").get("Contents", ())
    return [each["Key"] for each in found]


def forget(server, monkeypatch, place):
    """As in another process on another machine."""
    copies._fetched.cache_clear()
    return connect(server, monkeypatch, place)


def invoke(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def contents(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_bundle_is_used_by_its_address_and_copied_back(s3, bundle, tmp_path, monkeypatch):
    done = invoke("copy", bundle, TARGET)
    assert (done.exit_code, done.stdout) == (0, TARGET + "\n"), done.output
    forget(s3, monkeypatch, tmp_path / "elsewhere")
    assert is_bundle(TARGET)
    assert contents(Bundle.open(TARGET).path) == contents(bundle)
    video = write_video(tmp_path / "clip.mp4", moving_frames(30))
    assert invoke("predict", TARGET, video).stdout == invoke("predict", bundle, video).stdout
    assert invoke("verify", TARGET).stdout.endswith(f"{TARGET}: good\n")
    assert invoke("copy", TARGET, tmp_path / "back").exit_code == 0
    assert contents(tmp_path / "back") == contents(bundle)
    refused = invoke("copy", TARGET, tmp_path / "back")
    assert refused.exit_code == 2
    assert "back: exists; name a folder that does not" in refused.stderr


def test_objects_that_are_in_the_cache_are_not_read_again(s3, bundle):
    copy_model(bundle, TARGET)
    local_copy(TARGET)
    copies._fetched.cache_clear()
    s3.requests.clear()
    local_copy(TARGET)
    assert not [path for command, path in s3.requests if command == "GET" and "list" not in path]


@pytest.mark.parametrize("target", [TARGET, "s3://models/other", "s3://models", "https://host/a"])
def test_what_is_there_is_not_overwritten(s3, bundle, target):
    copy_model(bundle, TARGET)
    before = keys(s3)
    said = {
        TARGET: f"{TARGET}: there is a run or bundle here already; name another address",
        "s3://models/other": "s3://models/other: holds other objects, such as 'notes.txt'",
        "s3://models": "s3://models: names a bucket alone; add a name",
        "https://host/a": "https://host/a: web servers are only read",
    }
    done = invoke("copy", bundle, target)
    assert done.exit_code == 2
    assert said[target] in done.stderr
    assert keys(s3) == before


def test_of_two_writers_one_is_refused_and_the_copy_is_that_of_the_other(s3, bundle, monkeypatch):
    def other(_, done, total):
        if done == total:
            copy_model(bundle, TARGET)

    with pytest.raises(UserError, match="there is a run or bundle here already"):
        copy_model(bundle, TARGET, progress=other)
    assert len({key.split("/")[2] for key in keys(s3)}) == 2  # one folder and the manifest
    assert contents(local_copy(TARGET)) == contents(bundle)


@pytest.mark.parametrize("fault", ["slow", "error", "reset"])
def test_a_passing_fault_changes_nothing(s3, bundle, fault, tmp_path, monkeypatch):
    files = len(contents(bundle))
    s3.faults += ["", fault, "", *[""] * (files - 1), fault, "", ""]  # the last is the manifest
    copy_model(bundle, TARGET)
    forget(s3, monkeypatch, tmp_path / "elsewhere")
    s3.faults += ["", "", fault, fault, "", fault]
    assert contents(local_copy(TARGET)) == contents(bundle)


@pytest.mark.parametrize("fault", ["error", "reset", "denied"])
def test_a_lasting_fault_is_one_sentence_and_leaves_nothing(s3, bundle, fault):
    s3.faults += ["", "", "", *[fault] * (1 if fault == "denied" else 5)]
    done = invoke("copy", bundle, TARGET)
    assert done.exit_code == 2
    said = "access is denied; set" if fault == "denied" else "cannot be written after 5 attempts"
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert keys(s3) == []


def test_a_copy_that_is_stopped_or_killed_cannot_be_opened(s3, bundle, monkeypatch):
    def stop(_, done, total):
        if done == 2:
            raise KeyboardInterrupt

    for killed in (False, True):
        if killed:
            monkeypatch.setattr("pan_keras.remote.store.RemoteStore.remove", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            copy_model(bundle, TARGET, progress=stop)
        assert bool(keys(s3)) == killed
        with pytest.raises(UserError, match=f"{TARGET}: there is no run or bundle here, or its"):
            Bundle.open(TARGET)
    copy_model(bundle, TARGET)  # what is left is not in the way
    assert contents(local_copy(TARGET)) == contents(bundle)


def test_ctrl_c_ends_the_command_and_leaves_nothing(s3, bundle, monkeypatch):
    write = RemoteStore.write

    def interrupted(self, key, file):
        write(self, key, file)
        if key.endswith("model.json"):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(RemoteStore, "write", interrupted)
    done = invoke("copy", bundle, TARGET)
    assert done.exit_code == 130
    assert f"{TARGET}: stopped, nothing was copied" in done.stderr
    assert keys(s3) == []


def test_a_damaged_copy_is_refused(s3, bundle, tmp_path, monkeypatch):
    copy_model(bundle, TARGET)
    manifest = json.loads(
        s3.client.get_object(Bucket="models", Key="folder/waves/copy.json")["Body"].read()
    )

    def written(**changes):
        record = json.dumps({**manifest, **changes}).encode()
        s3.client.put_object(Bucket="models", Key="folder/waves/copy.json", Body=record)
        forget(s3, monkeypatch, tmp_path / str(len(list(tmp_path.iterdir()))))

    entry = {"bytes": 1, "sha256": ""}
    for changes in (
        {"version": 2},
        {"folder": "../../other"},
        {"files": {}},
        {"files": {"../model.json": entry}},
        {"files": {"/model.json": entry}},
        {"files": {"a\n": entry}},
        {"files": {"model.json": {"bytes": "1", "sha256": ""}}},
        {"files": [[]]},
    ):
        written(**changes)
        with pytest.raises(UserError, match=r"copy.json: damaged .*; copy the folder again"):
            local_copy(TARGET)
    name = f"folder/waves/{manifest['folder']}/model.json"
    facts = s3.client.get_object(Bucket="models", Key=name)["Body"].read()
    s3.client.put_object(Bucket="models", Key=name, Body=facts[:-2] + b" \n")
    written()
    with pytest.raises(UserError, match=r"model.json: differs from its digest in copy.json"):
        local_copy(TARGET)
    s3.client.delete_object(Bucket="models", Key=name)
    written()
    with pytest.raises(UserError, match="or its copy is not complete"):
        local_copy(TARGET)


def test_a_full_disk_of_the_cache_is_one_sentence(s3, bundle, tmp_path, monkeypatch):
    big = shutil.copytree(bundle, tmp_path / "big")
    facts = json.loads((big / "model.json").read_text())
    (big / "model.json").write_text(json.dumps(facts) + " " * 500_000)
    copy_model(big, TARGET)
    with small_disk(tmp_path / "disk", 200) as disk:
        forget(s3, monkeypatch, disk)
        with pytest.raises(UserError, match="the disk is full"):
            local_copy(TARGET)
        assert not [file for file in cache_folder().rglob("*.partial*") if file.is_file()]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "small"))
    monkeypatch.setenv("PAN_KERAS_REMOTE_CACHE", "0.0001")
    with pytest.raises(UserError, match="more than the cache for remote files holds"):
        local_copy(TARGET)


def test_other_output_goes_to_local_disks(s3, tmp_path):
    for arguments in (
        ("train", tmp_path, "--run", TARGET),
        ("dataset", "shard", tmp_path, "-o", TARGET),
        ("copy", tmp_path, tmp_path / "b"),
        ("copy", TARGET, TARGET),
        ("copy", tmp_path, TARGET),
    ):
        done = invoke(*arguments)
        assert done.exit_code == 2, done.output
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert keys(s3) == []


@pytest.mark.slow
def test_a_run_is_evaluated_and_exported_by_its_address_but_not_changed(s3, run, tmp_path):
    copy_model(run.path, TARGET)
    found = open_run(TARGET)
    assert found.labels == run.labels
    assert not any(key.split("/")[3:4] == ["checkpoints"] for key in keys(s3))
    expected = invoke("evaluate", run.path, "--json")
    before = keys(s3), contents(found.path)
    done = invoke("evaluate", TARGET, "--json")
    assert done.exit_code == 0, done.output
    same = ("accuracy", "clips", "data_digest")
    one, other = json.loads(done.stdout), json.loads(expected.stdout)
    assert {name: one.get(name) for name in same} == {name: other.get(name) for name in same}
    for command in (["calibrate", TARGET], ["train", "--resume", "--run", TARGET]):
        done = invoke(*command)
        assert done.exit_code == 2, done.output
        assert f"{TARGET}: a run in remote storage is only read; copy it to a" in done.stderr
    done = invoke("export", TARGET)
    assert "a run in remote storage is only read" in done.stderr
    assert (keys(s3), contents(found.path)) == before
    options = ("--precision", "float32", "--evaluate", "none")
    done = invoke("export", TARGET, *options, "-o", f"{TARGET}-bundle")
    assert done.exit_code == 0, done.output
    assert Bundle.open(f"{TARGET}-bundle").labels == run.labels
