"""Ctrl-C and SIGTERM save a checkpoint; a run has one writer; refused runs leave no files."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pan_keras.errors import UserError
from pan_keras.stopping import StopRequest
from pan_keras.training import resume, train

ROOT = Path(__file__).parents[2]
SETTINGS = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=3",
    "training.batch=4",
)
# Reports the fifth step through a file, then waits until the file is removed.
TRAIN = """
import sys, time
from pathlib import Path
from pan_keras.cli import main
from pan_keras.training.trainer import Trainer

advance = Trainer._advance
ready, steps = Path(sys.argv[1]), []
def advance_and_wait(self, *arguments):
    advance(self, *arguments)
    steps.append(None)
    if len(steps) == 5:
        ready.touch()
        for _ in range(600):
            if not ready.exists():
                break
            time.sleep(0.1)
Trainer._advance = advance_and_wait
main(sys.argv[2:])
"""


def command(motions, run, *arguments):
    settings = [word for item in SETTINGS for word in ("--set", item)]
    return ["train", "motions", "--root", str(motions), "--run", str(run), *settings, *arguments]


@pytest.fixture
def training(small_motions, tmp_path):
    """A process that has done five steps, in a folder whose name needs quoting."""
    run, ready = tmp_path / "it's a run", tmp_path / "ready"
    with subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(ready), *command(small_motions, run)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            for _ in range(1200):
                if ready.exists() or process.poll() is not None:
                    break
                time.sleep(0.1)
            assert ready.exists(), process.communicate()[1]
            yield process, run
        finally:
            process.kill()


def weights(run):
    with np.load(max((run / "checkpoints").glob("step-*.npz"))) as stored:
        return {name: stored[name] for name in stored.files if name != "progress"}


@pytest.fixture(scope="module")
def unbroken(small_motions, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    return train("motions", root=small_motions, overrides=SETTINGS, run=run, quiet=True).run.path


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_a_checkpoint_and_prints_how_to_resume(number, training, unbroken, tmp_path):
    process, run = training
    process.send_signal(number)
    (tmp_path / "ready").unlink()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert [file.name for file in (run / "checkpoints").iterdir()] == ["step-00000005.npz"]
    told = re.search(r"stopped at step 5 of \d+; resume with: (.*)", errors)
    assert told, errors
    assert shlex.split(told[1]) == ["pan-keras", "train", "--resume", "--run", str(run)]
    assert "Traceback" not in errors
    resume(run, quiet=True)
    for name, value in weights(unbroken).items():
        np.testing.assert_array_equal(weights(run)[name], value, err_msg=name)


@pytest.mark.slow
def test_a_run_in_training_has_one_writer(training, small_motions):
    process, run = training
    who = f"process {process.pid} on "
    with pytest.raises(UserError, match=who):
        resume(run, quiet=True)
    with pytest.raises(UserError, match=who):
        train("motions", root=small_motions, overrides=SETTINGS, run=run, quiet=True)
    process.kill()
    process.wait()
    # The lock was released with its process.
    assert resume(run, quiet=True).rows[-1]["epoch"] == 3


def test_the_second_signal_quits_at_once():
    script = (
        "import os, signal, time\n"
        "from pan_keras.stopping import StopRequest\n"
        "with StopRequest() as stop:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    assert stop.signal == signal.SIGINT\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(60)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGINT
    assert b"the same again quits at once" in ended.stderr


def test_signal_handlers_are_restored_and_ignored_signals_stay_ignored():
    earlier = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with StopRequest() as stop:
            assert signal.getsignal(signal.SIGINT) != interrupt
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.signal is None
        assert signal.getsignal(signal.SIGINT) is interrupt
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, earlier)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.segments=7", "model.aggregation=vop"], "aggregation"),
        (["training.learning_rate=1e6", "training.optimizer=sgd"], "NaN or infinite at step"),
        (["model.weights=absent"], "absent"),
    ],
)
def test_a_refused_training_leaves_no_folder(overrides, message, small_motions, tmp_path):
    run = tmp_path / "runs" / "deep" / "run"
    with pytest.raises(UserError, match=message):
        train("motions", root=small_motions, overrides=[*SETTINGS, *overrides], run=run, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_data_that_cannot_be_trained_on_leave_no_folder(small_motions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "data.csv"
    clip = next(small_motions.rglob("*.mp4"))
    table.write_text(f"path,label,split\n{clip},only,train\n")
    with pytest.raises(UserError, match="only one class"):
        train(table, overrides=SETTINGS, quiet=True)
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_was_there_stays_and_is_empty_again(small_motions, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    settings = [*SETTINGS, "model.aggregation=vop"]
    with pytest.raises(UserError):
        train("motions", root=small_motions, overrides=settings, run=run, quiet=True)
    assert list(run.iterdir()) == []


def test_two_runs_at_once_take_two_names(small_motions, tmp_path, monkeypatch):
    from pan_keras.runs.new_run import new_run
    from pan_keras.training import resolve

    monkeypatch.chdir(tmp_path)
    config = resolve("motions", root=small_motions)
    with new_run(None, config) as one, new_run(None, config) as other:
        for each in (one, other):
            each.write("checkpoints/step-1.npz", json.dumps({}))
        names = [one.path.name, other.path.name]
    assert names == ["motions-pan_lite_micro-1", "motions-pan_lite_micro-2"]
