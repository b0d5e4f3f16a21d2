"""`pan-keras bench` passes its options on and prints what it is asked for."""

import json

from click.testing import CliRunner

from pan_keras.bench import train_step
from pan_keras.cli.bench import bench

RESULT = train_step.TrainStep(
    model="tsn_micro",
    segments=8,
    stack=1,
    size=(64, 64),
    batch=2,
    threads=2,
    steps=3,
    seconds={"min": 0.1, "median": 0.2, "max": 0.3},
    clips_per_second=10.0,
    breakdown={"forward": 0.1},
)


def run(monkeypatch, *arguments):
    calls = []
    monkeypatch.setattr(
        train_step,
        "measure_train_step",
        lambda name, **options: calls.append((name, options)) or RESULT,
    )
    result = CliRunner().invoke(bench, ["train-step", *arguments])
    return result, calls


def test_options_reach_the_measurement(monkeypatch):
    _, calls = run(monkeypatch, "--model", "tsn_micro", "--stack", "1", "--size", "64")
    options = {"segments": 8, "stack": 1, "size": 64, "batch": 8, "threads": 2, "steps": 10}
    assert calls == [("tsn_micro", options)]


def test_json_is_one_object_and_nothing_else(monkeypatch):
    result, _ = run(monkeypatch, "--json")
    assert json.loads(result.output)["seconds"]["median"] == 0.2


def test_text_names_the_median(monkeypatch):
    result, _ = run(monkeypatch)
    assert "0.200 s median" in result.output


def test_counts_below_one_are_refused(monkeypatch):
    result, calls = run(monkeypatch, "--batch", "0")
    assert result.exit_code == 2
    assert calls == []
