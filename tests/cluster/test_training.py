"""Workers that Ray starts again give the training that lost none, bit for bit."""

import contextlib
import json
import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from ray_nodes import command, processes_with, running, wait_for

from pan_keras import training
from pan_keras.cli import main
from pan_keras.cluster.training import FAULT, _train
from pan_keras.errors import UserError
from pan_keras.runs import open_run
from pan_keras.training.replicas import LostWorkerError

EPOCHS = 3
SETTINGS = {
    "model.name": "pan_lite_micro",
    "model.segments": 2,
    "model.stack": 2,
    "model.size": 32,
    "model.resize": 36,
    "training.batch": 8,
    "training.epochs": EPOCHS,
    "training.checkpoint_seconds": 0,
}


def train(root, run, *more):
    options = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    return ("train", "motions", "--root", root, "--run", run, "--json", *options, *more)


def train_unbroken(root, run):
    """Two processes without Ray."""
    with contextlib.ExitStack() as stack:
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        workers = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
        for each in sockets:
            each.close()
        processes = [
            stack.enter_context(
                running(
                    *train(root, run),
                    TF_CONFIG=json.dumps(
                        {"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}}
                    ),
                )
            )
            for rank in range(2)
        ]
        for process in processes:
            _, errors = process.communicate(timeout=240)
            assert process.returncode == 0, errors


def newest(run):
    """The arrays of the newest checkpoint."""
    with np.load(max((run / "checkpoints").glob("step-*.npz"))) as stored:
        return {name: stored[name] for name in stored.files if name != "progress"}


def workers_of(token):
    found = []
    for process in processes_with(token):
        with contextlib.suppress(OSError):
            if b"RayTrainWorker" in Path(f"/proc/{process}/cmdline").read_bytes():
                found.append(process)
    return found


@pytest.fixture(scope="module")
def unbroken(ray, small_motions, tmp_path_factory):
    run = tmp_path_factory.mktemp("unbroken") / "run"
    train_unbroken(small_motions, run)
    return run


def assert_bit_identical(run, unbroken):
    found, expected = newest(run), newest(unbroken)
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    kept, alone = (open_run(each).load_model().get_weights() for each in (run, unbroken))
    for array, other in zip(kept, alone, strict=True):
        np.testing.assert_array_equal(array, other)
    assert [file.name for file in run.parent.glob(".*")] == []


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_the_weights_are_bit_identical(
    unbroken, small_motions, tmp_path
):
    run = tmp_path / "run"
    arguments = train(small_motions, run, "--engine", "ray", "--workers", 2)
    with running(*arguments) as process:
        wait_for(lambda: any(run.glob("checkpoints/step-*.npz")), "a checkpoint", process)
        os.kill(max(workers_of(process.token)), signal.SIGKILL)
        before = {file.name for file in run.glob("checkpoints/step-*.npz")}
        output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    last = max(file.name for file in run.glob("checkpoints/step-*.npz"))
    assert last not in before
    assert json.loads(output)["epochs"] == EPOCHS
    assert [line.partition(":")[0] for line in errors.splitlines()] == [
        f"epoch {number}" for number in range(1, EPOCHS + 1)
    ]
    assert_bit_identical(run, unbroken)


@pytest.mark.slow
def test_a_stopped_training_is_continued_by_resume_bit_for_bit(unbroken, small_motions, tmp_path):
    run = tmp_path / "run"
    engine = ("--engine", "ray", "--workers", 2)
    with running(*train(small_motions, run, *engine)) as process:
        wait_for(lambda: any(run.glob("checkpoints/step-*.npz")), "a checkpoint", process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 143, errors
    assert "stopped; --resume continues" in errors
    stopped = max(file.name for file in run.glob("checkpoints/step-*.npz"))
    code, output, errors = command("train", "--resume", "--run", run, "--json", *engine)
    assert code == 0, errors
    assert json.loads(output)["epochs"] == EPOCHS
    assert max(file.name for file in run.glob("checkpoints/step-*.npz")) > stopped
    assert_bit_identical(run, unbroken)


def worker(monkeypatch, tmp_path, error, **more):
    """Runs a worker whose training raises an error; returns the calls."""
    calls = []

    def fail(name):
        def call(*_, **arguments):
            calls.append((name, arguments))
            raise error

        return call

    for name in ("train", "resume"):
        monkeypatch.setattr(training, name, fail(name))
    settings = {"run": str(tmp_path / "run"), "state": str(tmp_path), "resume": False}
    _train(settings | {"arguments": {"source": "motions", "root": "videos"}} | more)
    return calls


def test_a_mistake_of_the_user_is_not_tried_again(monkeypatch, tmp_path):
    error = UserError("training.batch is 9; set it to 8")
    ((name, arguments),) = worker(monkeypatch, tmp_path, error)
    assert (name, arguments["source"]) == ("train", "motions")
    assert json.loads((tmp_path / FAULT).read_text()) == str(error)


def test_a_lost_worker_is_left_to_ray_which_starts_all_again(monkeypatch, tmp_path):
    with pytest.raises(LostWorkerError):
        worker(monkeypatch, tmp_path, LostWorkerError("worker 1 of 2: another worker ended"))
    assert not (tmp_path / FAULT).exists()


def test_started_again_a_worker_resumes_the_run(monkeypatch, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.toml").touch()
    ((name, arguments),) = worker(monkeypatch, tmp_path, UserError("stop"))
    assert name == "resume"
    assert "source" not in arguments
    assert arguments["root"] == "videos"


@pytest.mark.parametrize("missing", ["--run", "--workers"])
def test_ray_trains_one_run_with_workers(missing):
    given = {"--run": "a", "--workers": "2"}
    del given[missing]
    options = [part for pair in given.items() for part in pair]
    done = CliRunner().invoke(main, ["train", "motions", "--engine", "ray", *options])
    assert done.exit_code == 2
    assert "--engine ray trains one run with several workers; give --run and " in done.stderr
