"""Several workers train one model: as one process that takes their parts one after the other.

The processes run on loopback, on CPUs, where results are bit-identical for the same workers.
"""

import json
import shutil
import signal

import numpy as np
import pytest
from worker_processes import WorkerProcesses

from pan_keras.config import load_config
from pan_keras.errors import UserError
from pan_keras.training import resume, train
from pan_keras.training.replicas import Replicas, check_workers

pytestmark = pytest.mark.slow

SMALL = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.checkpoint_seconds=0",
)
# Everything whose result would be wrong if it were done for each worker. All steps are clipped, so
# the size of the gradient does not count.
ALL_OPTIONS = (
    *SMALL,
    "training.epochs=3",
    "training.batch=12",
    "training.accumulate=2",
    "training.optimizer=sgd",
    "training.clip_norm=0.1",
    "training.average=0.9",
    "training.mixup=0.4",
    "training.label_smoothing=0.1",
    "training.class_weights=true",
    "model.dropout=0.5",
)
# Here it does.
SYNCHRONISED = (
    *SMALL,
    "training.epochs=1",
    "training.batch=6",
    "training.optimizer=sgd",
    "training.clip_norm=0",
    "training.synchronised_normalisation=true",
    "model.dropout=0.0",
)
STEPS = 6  # of three epochs


@pytest.fixture(scope="module")
def processes():
    started = WorkerProcesses()
    yield started
    started.close()


@pytest.fixture(scope="module")
def case(small_motions):
    """Arguments of a training."""

    def arguments(run, settings, **others):
        settings = list(settings)
        return {
            "source": "motions",
            "root": str(small_motions),
            "run": str(run),
            "overrides": settings,
            "quiet": True,
            **others,
        }

    return arguments


@pytest.fixture(scope="module")
def unbroken(processes, case, tmp_path_factory):
    """A run of three processes: a sum of two numbers does not depend on their order."""
    folder = tmp_path_factory.mktemp("workers")
    ended = processes.run(folder, 3, ("train", case(folder / "run", ALL_OPTIONS)))
    assert [code for code, _ in ended] == [0, 0, 0], ended
    return folder / "run"


def checkpoint(run):
    """The arrays by name, and the metrics of the epochs."""
    newest = max((run / "checkpoints").glob("step-*.npz"))
    with np.load(newest) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return arrays, json.loads(str(arrays.pop("progress")))["rows"]


def assert_same(one, other):
    arrays, expected = checkpoint(one)[0], checkpoint(other)[0]
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def losses(run):
    return [row["loss"] for row in checkpoint(run)[1]]


def assert_same_training(run, one):
    """Losses, trained weights, state of the optimizer and random generators agree.

    Statistics are those of the first worker's parts, or of all parts in turn.
    """
    np.testing.assert_allclose(losses(run), losses(one), rtol=1e-6)
    arrays, expected = checkpoint(run)[0], checkpoint(one)[0]
    compared = [name for name in arrays if "moving" not in name and "average" not in name]
    assert any("seed_generator" in name for name in compared)
    assert any("velocity" in name for name in compared)
    for name in compared:
        np.testing.assert_allclose(arrays[name], expected[name], atol=2e-6, err_msg=name)


def test_processes_are_one_that_accumulates_their_gradients(unbroken, case, tmp_path):
    train(**case(tmp_path / "one", (*ALL_OPTIONS, "training.accumulate=6")))
    assert_same_training(unbroken, tmp_path / "one")


def test_devices_of_one_machine_are_one_that_accumulates_their_gradients(
    processes, small_motions, case, tmp_path
):
    settings = (
        *ALL_OPTIONS,
        "training.epochs=1",
        "training.batch=8",
        "training.precision=mixed_float16",
        "training.clip_norm=0",
    )
    train(**case(tmp_path / "one", (*settings, "training.accumulate=4")))
    two = [*settings, "training.accumulate=2"]
    words = ["train", "motions", "--root", str(small_motions), "--run", str(tmp_path / "two")]
    words += ["--workers", "2", *(word for item in two for word in ("--set", item))]
    ended = processes.run(tmp_path, 1, ("command", {"args": words}), cluster=False)
    assert ended[0][0] == 0, ended
    assert_same_training(tmp_path / "two", tmp_path / "one")


def test_synchronised_normalisation_is_that_of_the_whole_batch(processes, case, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    train(**case(one, SYNCHRONISED))
    ended = processes.run(tmp_path, 2, ("train", case(two, SYNCHRONISED)))
    assert [code for code, _ in ended] == [0, 0], ended
    np.testing.assert_allclose(losses(two), losses(one), rtol=1e-6)
    arrays, expected = checkpoint(two)[0], checkpoint(one)[0]
    for name in (name for name in arrays if "moving" in name):
        np.testing.assert_allclose(arrays[name], expected[name], rtol=2e-5, atol=1e-6)


def test_a_stopped_and_a_killed_worker_leave_a_run_that_resumes_bit_for_bit(
    processes, unbroken, case, tmp_path
):
    run = tmp_path / "run"
    begun = processes.run(
        tmp_path, 3, ("train", case(run, ALL_OPTIONS)), rank=1, signal=signal.SIGTERM, step=2
    )
    # One gets the signal, all stop after the same step.
    assert [code for code, _ in begun] == [128 + signal.SIGTERM] * 3, begun
    assert len(list((run / "checkpoints").glob("*"))) == 2
    again = ("resume", {"run": str(run), "quiet": True})
    killed = processes.run(tmp_path, 3, again, rank=1, signal=signal.SIGKILL, step=4)
    assert [code for code, _ in killed] == [2, -signal.SIGKILL, 2], killed
    for _, output in (killed[0], killed[2]):
        assert "another worker ended or does not answer" in output
        assert "start all of them again with --resume" in output
    ended = processes.run(tmp_path, 3, again)
    assert [code for code, _ in ended] == [0, 0, 0], ended
    assert_same(run, unbroken)


def test_other_workers_are_refused_unless_allowed(unbroken, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(unbroken, run)
    max((run / "checkpoints").glob("step-*.npz")).unlink()
    with pytest.raises(UserError, match=r"3 replicas in 3 processes.* 1 replica in 1 process"):
        resume(run, quiet=True)
    rows = resume(run, quiet=True, other_workers=True).rows
    assert "trained by 1 replica in 1 process" in capsys.readouterr().err.replace("\n", " ")
    assert rows[-1]["step"] == STEPS
    versions = json.loads((run / "versions_by_step.json").read_text())["versions"]
    assert [each["workers"] for each in versions] == [
        "3 replicas in 3 processes",
        "1 replica in 1 process",
    ]


def test_a_worker_that_does_not_come_is_named(processes, case, tmp_path):
    arguments = case(tmp_path / "run", ALL_OPTIONS, wait=2)
    ((code, output),) = processes.run(tmp_path, 1, ("train", arguments), cluster=2)
    assert code == 2
    assert "no worker answers at 127.0.0.1:" in output
    assert not (tmp_path / "run").exists()


def test_the_others_end_with_the_sentence_of_the_first(processes, case, tmp_path):
    arguments = case(tmp_path / "run", (*ALL_OPTIONS, "training.batch=6"))
    ended = processes.run(tmp_path, 2, ("train", arguments))
    assert [code for code, _ in ended] == [2, 2], ended
    for _, output in ended:
        assert (
            "training.batch is 6, which 2 replicas times training.accumulate, 2, do not" in output
        )
    assert not (tmp_path / "run").exists()


def test_batches_that_cannot_be_divided_are_refused():
    three = Replicas()
    three.count = 3
    config = load_config(overrides=["training.batch=8", "training.accumulate=2"])
    with pytest.raises(UserError, match=r"3 replicas times training.accumulate, 2.* multiple of 6"):
        check_workers(config, three)
    check_workers(config, Replicas())
