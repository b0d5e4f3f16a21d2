"""`TF_CONFIG` names the processes that train together, and this one of them."""

import json
import socket

import pytest
from click.testing import CliRunner
from worker_processes import free_addresses

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.evaluation import cross_validate
from pan_keras.training import session
from pan_keras.training.cluster_task import ClusterTask
from pan_keras.training.replicas import Replicas, start_replicas, world_text

TWO = ["one:2222", "two:2222"]


@pytest.fixture
def say(monkeypatch):
    """Sets `TF_CONFIG`."""

    def set_to(content):
        text = content if isinstance(content, str) else json.dumps(content)
        monkeypatch.setenv("TF_CONFIG", text)

    return set_to


def task(cluster, job="worker", index=0):
    return {"cluster": cluster, "task": {"type": job, "index": index}}


def test_processes_are_numbered_with_the_chief_first(say):
    say(task({"worker": TWO}, index=1))
    found = ClusterTask.of_environment()
    assert (found.rank, found.processes, found.leader) == (1, 2, "/job:worker/task:0")
    say(task({"worker": TWO, "chief": ["three:1"]}, index=1))
    found = ClusterTask.of_environment()
    assert found.addresses == ("three:1", *TWO)
    assert (found.rank, found.leader) == (2, "/job:chief/task:0")
    say(task({"worker": TWO, "chief": ["three:1"]}, "chief"))
    assert ClusterTask.of_environment().rank == 0


@pytest.mark.parametrize("content", ["", " ", "{}", {"task": {}}, task({"worker": TWO[:1]})])
def test_a_single_process_is_no_cluster(content, say):
    say(content)
    assert ClusterTask.of_environment() is None
    assert start_replicas().count == 1


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "JSON"),
        ("[]", "TF_CONFIG"),
        ({"cluster": {"worker": TWO}}, "task"),
        (task({"worker": TWO}, index=2), "there is no task worker 2"),
        (task({"worker": TWO}, "chief"), "there is no task chief 0"),
        (task({"worker": TWO, "ps": TWO}), "neither chief nor worker"),
        (task({"worker": ["one", "two"]}), "not host:port"),
        (task({"worker": ["one:1", "one:1"]}), "twice"),
        (task({"worker": [1, 2]}), "not host:port"),
    ],
)
def test_a_mistake_is_one_sentence(content, fault, say):
    say(content)
    with pytest.raises(UserError, match=r"^TF_CONFIG: .*write JSON such as") as error:
        ClusterTask.of_environment()
    assert fault in str(error.value)


def test_another_number_of_workers_is_refused(say):
    say(task({"worker": TWO}))
    with pytest.raises(UserError, match="--workers is 3, but TF_CONFIG names 2 processes"):
        start_replicas(3)


def test_a_port_in_use_is_named(say):
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as taken:
        own = f"127.0.0.1:{taken.getsockname()[1]}"
        say(task({"worker": [own, *free_addresses(1)]}))
        with pytest.raises(UserError, match=f"cannot listen at {own}"):
            start_replicas(wait=1)


def test_several_runs_are_trained_without_workers(say, small_motions, tmp_path):
    words = ["train", "motions", "--root", str(small_motions), "--folds", "2", "--workers", "2"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "trained without workers; remove --workers" in result.output
    say(task({"worker": TWO}))
    with pytest.raises(UserError, match="a series of runs is trained by one process"):
        cross_validate(small_motions, folds=2, run=tmp_path / "run", quiet=True)


def test_one_process_waits_for_none():
    alone = Replicas()
    assert alone.any(True, False) == (True, False)
    assert alone.share({"step": 3}) == {"step": 3}
    alone.meet()
    assert world_text(alone.world) == "1 replica in 1 process"


def test_workers_must_have_the_same_versions(monkeypatch, tmp_path):
    replicas = Replicas(rank=1, processes=2)
    chief = {"run": str(tmp_path), **session._terms(replicas), "tensorflow": "1.0"}
    monkeypatch.setattr(replicas, "share", lambda: chief)
    with pytest.raises(UserError, match=r"worker 2 of 2: has tensorflow 2.*first worker 1\.0"):
        session._follow(replicas, None, 0.0)
    chief |= session._terms(replicas)
    monkeypatch.setattr(session, "SILENT", 0.0)
    with pytest.raises(UserError, match="does not see the run of the first worker"):
        session._follow(replicas, None, 0.0)
