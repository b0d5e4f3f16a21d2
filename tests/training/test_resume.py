"""A run that is killed at any point and resumed is bit-identical to an uninterrupted one."""

import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from pan_keras.data import make_motions
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

KILLED = """
import json, os, signal, sys, threading, time
from pathlib import Path
from pan_keras import training
from pan_keras.training.trainer import Trainer

run, root, overrides, delay = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
advance = Trainer._advance
starts = []
def arm_and_advance(self, *arguments):
    starts.append(time.perf_counter())
    if len(starts) == 5:
        step = min(later - earlier for earlier, later in zip(starts[1:], starts[2:]))
        threading.Timer(float(delay) * step, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return advance(self, *arguments)
Trainer._advance = arm_and_advance
if (run / "config.toml").exists():
    training.resume(run, quiet=True)
else:
    training.train("motions", root=root, overrides=overrides, run=run, quiet=True)
"""

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

KILLED_AT = """
import json, os, signal, sys
from pathlib import Path
from pan_keras import training
from pan_keras.training import trainer

run, root, overrides, name, method, count = sys.argv[1:]
owner = getattr(trainer, name)
original, calls = getattr(owner, method), []
def call_or_die(self, *arguments):
    calls.append(None)
    if len(calls) == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(self, *arguments)
setattr(owner, method, call_or_die)
if (Path(run) / "config.toml").exists():
    training.resume(run, quiet=True)
else:
    training.train("motions", root=root, overrides=json.loads(overrides), run=run, quiet=True)
"""


@pytest.fixture(scope="module")
def motions(tmp_path_factory):
    return make_motions(tmp_path_factory.mktemp("data") / "motions", clips=48)


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
def unbroken(motions, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    train("motions", root=motions, overrides=SETTINGS, run=run, quiet=True)
    return run


def test_the_same_seed_gives_the_same_weights(motions, unbroken, tmp_path):
    train("motions", root=motions, overrides=SETTINGS, run=tmp_path / "run", quiet=True)
    assert_same_weights(final_weights(tmp_path / "run"), final_weights(unbroken))


@pytest.mark.slow
def test_ten_kills_change_nothing(motions, unbroken, tmp_path):
    run = tmp_path / "run"
    arguments = [str(run), str(motions), json.dumps(SETTINGS)]
    kills = 0
    for delay in DELAYS:
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, *arguments, str(delay)], capture_output=True, check=False
        )
        kills += ended.returncode == -signal.SIGKILL
    assert kills == len(DELAYS), "the run ended before the last kill: make it longer"
    resume(run, quiet=True)
    assert_same_weights(final_weights(run), final_weights(unbroken))


@pytest.mark.slow
@pytest.mark.parametrize("case", OPTIONS)
def test_kills_change_nothing_whatever_is_switched_on(case, motions, tmp_path):
    settings = (*SETTINGS, *OPTIONS[case])
    unbroken = train("motions", root=motions, overrides=settings, run=tmp_path / "one", quiet=True)
    run = tmp_path / "other"
    for name, method, count in MOMENTS[case]:
        arguments = [str(run), str(motions), json.dumps(settings), name, method, str(count)]
        ended = subprocess.run([sys.executable, "-c", KILLED_AT, *arguments], check=False)
        assert ended.returncode == -signal.SIGKILL
    result = resume(run, quiet=True)
    assert_same_weights(final_weights(run), final_weights(tmp_path / "one"))
    assert_same_weights(model_weights(run), model_weights(tmp_path / "one"))
    assert len(result.rows) == len(unbroken.rows)


def test_a_damaged_newest_checkpoint_costs_steps_and_nothing_else(unbroken, tmp_path, capsys):
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


def test_an_existing_run_is_not_overwritten(motions, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UserError, match="add --resume"):
        train("motions", root=motions, run=tmp_path)
