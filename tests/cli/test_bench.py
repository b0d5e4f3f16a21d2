"""`pan-keras bench` passes its options on and prints what it is asked for."""

import json

import pytest
from click.testing import CliRunner

from pan_keras.bench.case import Case, Work
from pan_keras.bench.results import Results
from pan_keras.bench.row import Measured
from pan_keras.cli.bench import bench

MACHINE = {"name": "a machine", "versions": {}}


def results(benchmark, interrupted=False):
    work = Work(2, 3, 32, 48)
    case = Case("tsn_micro", "keras", work, graph="step")
    measured = Measured(case, seconds={0: [0.2, 0.2], 1: [0.3]})
    head = {"benchmark": benchmark, **work.to_json(), "interrupted": interrupted}
    return Results(MACHINE, head, (measured.to_row(),))


@pytest.fixture
def run(monkeypatch):
    """Runs a command whose measurement is replaced; gives the result and its calls."""

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
        "quick": False,
    }


@pytest.mark.parametrize("command", [TRAIN_STEP, DECODE])
def test_json_is_one_object_and_nothing_else(run, command):
    result, _ = run(*command, "--json")
    assert json.loads(result.output)["rows"][0]["p50_ms"] == 200
    assert result.exit_code == 0


@pytest.mark.parametrize("command", [TRAIN_STEP, DECODE])
def test_text_has_the_median_and_clips_a_second(run, command):
    result, _ = run(*command)
    head, values = (line.split() for line in result.output.splitlines()[1:3])
    told = dict(zip(head, values[-len(head) :], strict=True))
    assert (told["p50/ms"], told["clips/s"]) == ("200", "5")


@pytest.mark.parametrize("command", [TRAIN_STEP, DECODE])
def test_an_interrupted_measurement_is_printed_and_exits_as_interrupted(run, command):
    result, _ = run(*command, interrupted=True)
    assert result.exit_code == 130
    assert "Interrupted: these are the rounds until then." in result.output


def test_counts_below_one_are_refused(run):
    result, calls = run(*TRAIN_STEP, "--batch", "0")
    assert result.exit_code == 2
    assert calls == []
