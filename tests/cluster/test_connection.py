"""A connection to Ray ends in bounded time, and leaves no process behind."""

import signal
import socket
import sys
import time
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from ray_nodes import command, processes_with, running, wait_for
from shard_folders import digests, make_shards

from pan_keras.cli import main
from pan_keras.cluster import connection
from pan_keras.errors import Interrupted, UserError
from pan_keras.stopping import StopRequest


def invoke(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


def shard(videos, folder, *more):
    return (
        "dataset",
        "shard",
        videos,
        "-o",
        folder,
        "--clips-per-shard",
        4,
        "--engine",
        "ray",
        *more,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("dataset", "shard", "{videos}", "-o", "{out}"),
        ("dataset", "check", "{videos}"),
        ("dataset", "prepare", "ucf101", "--source", "{videos}", "-o", "{out}"),
    ],
    ids=lambda arguments: arguments[1],
)
def test_without_ray_it_says_what_to_install(videos, tmp_path, monkeypatch, arguments):
    monkeypatch.setitem(sys.modules, "ray", None)
    out = tmp_path / "out"
    done = invoke(*(each.format(videos=videos, out=out) for each in arguments), "--engine", "ray")
    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: ray is not installed; pip install ")
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("dataset", "check", "{videos}"),
        ("predict", "run", "{videos}"),
        ("predict", "run", "long.mp4", "--timeline"),
        ("evaluate", "run"),
        ("evaluate", "run", "--folds"),
        ("evaluate", "run", "--timeline", "truth.csv"),
    ],
)
def test_an_address_belongs_to_ray(videos, arguments):
    done = invoke(*(each.format(videos=videos) for each in arguments), "--address", "auto")
    assert done.exit_code == 2
    assert done.stderr.strip() == "Error: --address auto: belongs to --engine ray; give both"


@pytest.mark.parametrize("address", ["here", "ray://10.0.0.7:10001", "a:0", "a:65536"])
def test_an_address_is_host_and_port(ray, videos, address):
    done = invoke("dataset", "check", videos, "--engine", "ray", "--address", address)
    assert done.exit_code == 2
    assert f"--address {address}: write HOST:PORT" in done.stderr


def test_a_closed_port_is_one_sentence_at_once(ray, videos):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        start = time.monotonic()
        done = invoke("dataset", "check", videos, "--engine", "ray", "--address", address)
    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"Error: {address}: does not answer (Connection refused); give the ")
    assert time.monotonic() - start < 20


@pytest.mark.slow
@pytest.mark.parametrize("address", ["mute", "auto"])
def test_an_address_without_ray_is_one_sentence_within_seconds(ray, videos, tmp_path, address):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        if address == "mute":
            address = f"127.0.0.1:{mute.getsockname()[1]}"
        start = time.monotonic()
        code, _, errors = command(*shard(videos, tmp_path / "out", "--address", address))
    assert code == 2
    (line,) = errors.strip().splitlines()
    assert line.startswith(f"Error: {address}: Ray does not answer")
    assert time.monotonic() - start < 60
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ray_ends_with_the_command_and_the_next_one_continues(ray, videos, tmp_path, number):
    folder = tmp_path / "shards"
    with running(*shard(videos, folder, "--workers", 1)) as process:
        wait_for((folder / "00001.json").exists, "two shards", process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
        wait_for(lambda: not processes_with(process.token), "the end of Ray")
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number), errors
    if number != signal.SIGKILL:
        assert not [file for file in folder.iterdir() if ".partial" in file.name]
        heard, told = filter(None, errors.splitlines())
        assert heard == "stopping after this step; the same again quits at once"
        assert f"{folder}: stopped with " in told
        assert told.endswith(" of 6 shards written; the same command continues")
    kept = (folder / "00000.arrayrecord").stat().st_mtime_ns
    make_shards(videos, folder, clips_per_shard=4)
    assert (folder / "00000.arrayrecord").stat().st_mtime_ns == kept
    make_shards(videos, tmp_path / "local", clips_per_shard=4)
    assert digests(folder) == digests(tmp_path / "local")


def test_work_without_a_result_ends_with_an_error(monkeypatch):
    asked = []

    def wait(references, num_returns, timeout):
        asked.append(timeout)
        return [], references

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(wait=wait))
    monkeypatch.setattr(connection, "PATIENCE", 0.05)
    with StopRequest() as stop:
        cluster = connection.Cluster("a:1", 2, stop)
        start = time.monotonic()
        with pytest.raises(
            UserError, match=r"^a:1: nothing has ended for 0 minutes while counting"
        ):
            cluster.ended(["task"], "counting")
        assert time.monotonic() - start < 5
        stop.signal = signal.SIGTERM
        with pytest.raises(Interrupted, match=r"^counting: stopped; the same command continues$"):
            cluster.ended(["task"], "counting")
    assert set(asked) == {connection.TICK}


def test_a_request_to_stop_is_seen_though_tasks_end_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(wait=lambda tasks, **_: (tasks, [])))
    with StopRequest() as stop:
        cluster = connection.Cluster("a:1", 2, stop)
        assert cluster.ended(["task"], "counting") == ["task"]
        stop.signal = signal.SIGTERM
        with pytest.raises(Interrupted, match="counting: stopped"):
            cluster.ended(["task"], "counting")
