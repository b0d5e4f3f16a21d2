"""A run that is killed at any point and resumed is bit-identical to an uninterrupted one."""

import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from pan_keras.errors import UserError
from pan_keras.runs.run import open_run
from pan_keras.training import resume, train

SETTINGS = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=20",
    "training.batch=4",
    "training.checkpoint_seconds=0",
)

# Times at which a process is killed, in step durations after the fifth step, when everything is
# compiled. They hit steps, validation, and the writing of checkpoints and models. On any machine
# the ten cover about half of the run's 160 steps.
DELAYS = np.random.default_rng(2021).uniform(0.0, 10.0, size=10).round(3).tolist()

# Options with their own state, killed at critical moments: between two parts of a batch, while
# averages replace the weights, after an epoch without improvement.
OPTIONS = {
    "sums and averages in half precision": (
        "training.optimizer=sgd",
        "training.accumulate=2",
        "training.average=0.9",
        "training.patience=1",
        "training.precision=mixed_float16",
        "training.label_smoothing=0.1",
        "training.mixup=0.4",
        "training.class_weights=true",
        "training.warmup=1.5",
        "training.schedule=steps",
        "training.clip_norm=1",
        "training.epochs=4",
    ),
    # XLA compiles slowly: a small network, few steps, one kill.
    "compiled by XLA": ("training.jit=true", "training.epochs=1", "model.name=tsn_micro"),
}
MOMENTS = {
    "sums and averages in half precision": (
        ("TimedBatches", "__next__", 6),
        ("Validation", "__call__", 2),
    ),
    "compiled by XLA": (("TimedBatches", "__next__", 4),),
}

# For each of the given moments, a time or a call of a method, a training is started or resumed and
# killed then. Each is a fork of one process, because importing takes longer than the training.
KILLED = """
import json, multiprocessing, os, signal, sys, threading, time
from pathlib import Path
from pan_keras import training
from pan_keras.training import trainer

run, root, overrides, moments = Path(sys.argv[1]), sys.argv[2], *map(json.loads, sys.argv[3:])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def in_time(delay):
    starts = []
    def arm():
        starts.append(time.perf_counter())
        if len(starts) == 5:
            step = min(later - earlier for earlier, later in zip(starts[1:], starts[2:]))
            threading.Timer(delay * step, die).start()
    before("Trainer", "_advance", arm)

def at_call(name, method, count):
    calls = []
    def count_or_die():
        calls.append(None)
        if len(calls) == count:
            die()
    before(name, method, count_or_die)

def before(name, method, action):
    owner = getattr(trainer, name)
    original = getattr(owner, method)
    def act_and_call(self, *arguments):
        action()
        return original(self, *arguments)
    setattr(owner, method, act_and_call)

def train_until(arrange, *moment):
    arrange(*moment)
    if (run / "config.toml").exists():
        training.resume(run, quiet=True)
    else:
        training.train("motions", root=root, overrides=overrides, run=run, quiet=True)

for moment in moments:
    arrange = in_time if len(moment) == 1 else at_call
    child = multiprocessing.get_context("fork").Process(target=train_until, args=(arrange, *moment))
    child.start()
    child.join()
    print(child.exitcode, flush=True)
"""


def train_and_kill(run, motions, settings, moments):
    """Exit codes of trainings of one run, each killed at its moment.

    Args:
        moments: `[delay]`, or `[class, method, number of the call]`.
    """
    arguments = [run, motions, json.dumps(settings), json.dumps(moments)]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=900,
    )
    return [int(word) for word in ended.stdout.split()]


def final_weights(run):
    newest = max((run / "checkpoints").glob("step-*.npz"))
    with np.load(newest) as stored:
        return {name: stored[name] for name in stored.files if name != "progress"}


def model_weights(run):
    model = open_run(run).load_model()
    return {weight.path: weight.numpy() for weight in model.weights}


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.fixture(scope="module")
def unbroken(small_motions, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    train("motions", root=small_motions, overrides=SETTINGS, run=run, quiet=True)
    return run


@pytest.mark.slow
def test_ten_kills_leave_identical_weights(small_motions, unbroken, tmp_path):
    run = tmp_path / "run"
    ended = train_and_kill(run, small_motions, SETTINGS, [[delay] for delay in DELAYS])
    # Otherwise the run is too short: it ended before the last kill.
    assert ended == [-signal.SIGKILL] * len(DELAYS)
    resume(run, quiet=True)
    assert_same_weights(final_weights(run), final_weights(unbroken))


@pytest.mark.slow
@pytest.mark.parametrize("case", OPTIONS)
def test_kills_leave_identical_weights_with_all_options(case, small_motions, tmp_path):
    settings = (*SETTINGS, *OPTIONS[case])
    one = tmp_path / "one"
    unbroken = train("motions", root=small_motions, overrides=settings, run=one, quiet=True)
    run = tmp_path / "other"
    ended = train_and_kill(run, small_motions, settings, MOMENTS[case])
    assert ended == [-signal.SIGKILL] * len(MOMENTS[case])
    result = resume(run, quiet=True)
    assert_same_weights(final_weights(run), final_weights(one))
    assert_same_weights(model_weights(run), model_weights(one))
    assert len(result.rows) == len(unbroken.rows)


def test_a_damaged_newest_checkpoint_costs_only_steps(unbroken, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(unbroken, run)
    newest = max((run / "checkpoints").glob("step-*.npz"))
    newest.write_bytes(newest.read_bytes()[:-100])
    resume(run, quiet=True)
    assert f"{newest.name}: damaged" in capsys.readouterr().err.replace("\n", "")
    assert_same_weights(final_weights(run), final_weights(unbroken))


def test_a_finished_run_resumes_to_itself(unbroken):
    rows = open_run(unbroken).metrics()
    again = resume(unbroken, quiet=True).rows
    assert [row["loss"] for row in again] == pytest.approx([row["loss"] for row in rows], rel=1e-5)


def test_an_existing_run_is_not_overwritten(small_motions, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UserError, match="add --resume"):
        train("motions", root=small_motions, run=tmp_path)
