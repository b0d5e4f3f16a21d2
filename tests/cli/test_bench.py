"""`pan-keras bench` passes its options on and prints results as text or JSON."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from pan_keras.bench.case import Case, Work
from pan_keras.bench.results import Results
from pan_keras.bench.row import Measured
from pan_keras.cli.bench import bench

ROOT = Path(__file__).parents[2]
MACHINE = {"name": "a machine", "versions": {}}


def results(benchmark, interrupted=False):
    work = Work(2, 3, 32, 48)
    case = Case("tsn_micro", "keras", work, graph="step")
    measured = Measured(case, seconds={0: [0.2, 0.2], 1: [0.3]})
    head = {"benchmark": benchmark, **work.to_json(), "interrupted": interrupted}
    return Results(MACHINE, head, (measured.to_row(),))


@pytest.fixture
def run(monkeypatch):
    """Runs a command with its measurement replaced; returns the result and the calls."""

    def run(command, function, *arguments, interrupted=False):
        calls = []

        def measure(*given, **options):
            calls.append((*given, options))
            return results(command, interrupted)

        monkeypatch.setattr(f"pan_keras.bench.{function}", measure)
        return CliRunner().invoke(bench, [command, *arguments]), calls

    return run


TRAIN_STEP = ("train-step", "train_step.measure_train_step")
DECODE = ("decode", "decode.measure_decode")
PEERS = ("peers", "peers.measure_peers")


def test_options_of_train_step_reach_the_measurement(run):
    arguments = ["--model", "tsn_micro", "--stack", "1", "--size", "64", "--batch", "2"]
    _, calls = run(*TRAIN_STEP, *arguments, "--batch", "4", "--precision", "mixed_float16")
    [(name, options)] = calls
    assert name == "tsn_micro"
    assert options.pop("progress")
    assert options == {
        "segments": 8,
        "stack": 1,
        "size": 64,
        "batches": (2, 4),
        "precisions": ("mixed_float16",),
        "threads": 2,
        "parts": False,
        "quick": False,
    }


def test_options_of_decode_reach_the_measurement(run, tmp_path):
    _, calls = run(*DECODE, "a.mp4", "b.avi", "--reader", "opencv", "--threads", "3")
    [(files, options)] = calls
    assert [file.name for file in files] == ["a.mp4", "b.avi"]
    assert options.pop("progress")
    assert options == {
        "segments": 8,
        "stack": 4,
        "readers": ("opencv",),
        "codecs": (),
        "threads": 3,
        "short_side": 0,
        "quick": False,
    }


@pytest.mark.parametrize("command", [TRAIN_STEP, DECODE])
def test_json_is_one_object_and_nothing_else(run, command):
    result, _ = run(*command, "--json")
    assert json.loads(result.output)["rows"][0]["p50_ms"] == 200
    assert result.exit_code == 0


@pytest.mark.parametrize("command", [TRAIN_STEP, DECODE])
def test_text_has_the_median_and_clips_per_second(run, command):
    result, _ = run(*command)
    head, values = (line.split() for line in result.output.splitlines()[1:3])
    told = dict(zip(head, values[-len(head) :], strict=True))
    assert (told["p50/ms"], told["clips/s"]) == ("200", "5")


@pytest.mark.parametrize("command", [TRAIN_STEP, DECODE, PEERS])
def test_an_interrupted_measurement_is_printed_and_exits_as_interrupted(run, command):
    result, _ = run(*command, interrupted=True)
    assert result.exit_code == 130
    assert "Interrupted: these are the results of the rounds so far." in result.output


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_measured_rounds_and_leaves_no_process(number, tmp_path):
    ends = [f"--{key}={value}" for key, value in (("size", 64), ("segments", 1), ("threads", 1))]
    command = ["bench", "motion", "--method", "tvl1", "--method", "difference", "--json", *ends]
    with subprocess.Popen(
        [sys.executable, "-m", "pan_keras", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        timer = threading.Timer(120, process.kill)
        timer.start()
        try:
            for line in process.stderr:
                if line.startswith("round 3 "):
                    break
            children = children_of(process.pid)
            process.send_signal(number)
            output, _ = process.communicate(timeout=60)
        finally:
            timer.cancel()
            process.kill()
    assert process.returncode == 128 + number
    content = json.loads(output)
    assert content["work"]["interrupted"]
    assert [row["method"] for row in content["rows"]] == ["tvl1", "difference"]
    assert all(row["rounds"] >= 2 and row["p50_ms"] > 0 for row in content["rows"])
    assert len(children) == 2
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert not list(tmp_path.iterdir())


def children_of(pid):
    file = Path(f"/proc/{pid}/task/{pid}/children")
    if not file.is_file():
        pytest.skip("this system does not list the children of a process")
    return file.read_text().split()


def test_counts_below_one_are_refused(run):
    result, calls = run(*TRAIN_STEP, "--batch", "0")
    assert result.exit_code == 2
    assert calls == []
