"""Comparison with MoViNet; without its package, an error explains how to install it."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from pan_keras.bench import movinet_environment, peers
from pan_keras.bench.case import Case, Work
from pan_keras.bench.peers import measure_peers, movinet_cases, open_session, our_cases, per_second
from pan_keras.bench.results import Results
from pan_keras.bench.row import Measured
from pan_keras.cli.bench import bench
from pan_keras.errors import UserError

STEP = Work(1, 1, 32, 32)


@pytest.fixture
def environment(tmp_path):
    """Creates a virtual environment whose Python is a given shell script."""

    def make(*lines):
        folder = tmp_path / "env"
        (folder / "bin").mkdir(parents=True)
        python = folder / "bin" / "python"
        python.write_text("\n".join(["#!/bin/sh", *lines]))
        python.chmod(0o755)
        return folder

    return make


def write_export(folder, name):
    """Writes the files of an export."""
    folder.mkdir(exist_ok=True)
    facts = {"parameters": 3_748_031, "macs": 54_967_970, "size": 172}
    (folder / f"movinet_{name}.json").write_text(json.dumps(facts))


def row(method, milliseconds, precision="float32", graph="step", rate=2.0):
    case = Case(method, "litert", STEP, graph=graph, precision=precision)
    facts = {"answers_per_second": rate, "bytes": 1}
    measured = Measured(case, {0: [milliseconds / 1000]}, known={"facts": facts})
    return per_second(measured.to_row())


def test_a_second_of_video_costs_the_answers_that_it_takes():
    ours, theirs = row("pan_lite_mobilenetv2", 14.0), row("movinet_a0", 3.0, rate=5.0)
    assert ours.facts["ms_per_second"] == 28.0
    assert ours.facts["ms_per_second_at_5"] == 70.0
    assert theirs.facts["ms_per_second"] == theirs.facts["ms_per_second_at_5"] == 15.0


def test_losses_come_first_and_int8_is_compared_with_int8():
    rows = [
        row("pan_lite_micro", 1.0),
        row("pan_lite_mobilenetv2", 14.0),
        row("pan_lite_mobilenetv2", 7.0, "int8"),
        row("pan_lite_mobilenetv2", 120.0, graph="fast"),
        row("movinet_a0", 2.8, rate=5.0),
        row("movinet_a0", 3.5, "dynamic", rate=5.0),
    ]
    assert peers.compared(rows) == [
        "pan_lite_mobilenetv2 float32 costs 5.00 times as much as movinet_a0 float32 per answer, "
        "2.00 times per second of video at the rate of each.",
        "pan_lite_mobilenetv2 int8 costs 2.00 times as much as movinet_a0 dynamic per answer, "
        "0.80 times per second of video at the rate of each.",
        "pan_lite_micro float32 costs 0.36 times as much as movinet_a0 float32 per answer, "
        "0.14 times per second of video at the rate of each.",
    ]


def test_our_networks_are_measured_as_steps_and_as_clips_in_both_precisions():
    cases = list(our_cases())
    found = {(case.method, case.graph, case.precision, case.options["rate"]) for case in cases}
    assert ("tsm_mobilenetv2", "step", "int8", 2.0) in found
    assert ("pan_lite_mobilenetv2", "fast", "float32", 0.25) in found
    assert len(found) == len(cases) == 12
    assert {case.threads for case in cases} == {1}


def test_a_session_times_the_processor_on_the_exported_step(tmp_path):
    from pan_keras.bench.targets.litert import build

    case = next(
        case
        for case in our_cases()
        if (case.method, case.graph, case.precision) == ("pan_lite_micro", "step", "float32")
    )
    build(case, tmp_path)
    options = {**case.options, "folder": str(tmp_path)}
    session = open_session(Case(case.method, "litert", case.work, threads=1, options=options))
    shapes = sorted(tuple(value.shape) for _, value in session._inputs)
    assert (3, 72, 96, 3) in shapes
    assert len(shapes) > 1  # the states of the stream
    for _, value in session._inputs:
        is_frames = value.dtype == np.uint8
        assert value.any() == is_frames
    (seconds,) = session.run(1).seconds
    assert 0 < seconds < 10
    assert session.facts["answers_per_second"] == 2.0


def test_the_facts_of_an_export_are_in_its_rows(tmp_path):
    write_export(tmp_path / "out", "a0")
    cases = list(movinet_cases(["a0"], tmp_path / "out"))
    assert [case.precision for case in cases] == ["float32", "dynamic"]
    assert cases[0].known == {"macs": 54_967_970, "parameters": 3_748_031}
    assert cases[0].options["file"].endswith("movinet_a0-float32.tflite")
    assert cases[0].work.height == 172


def test_without_an_environment_the_rows_explain_how_to_create_one():
    results = measure_peers(methods=["movinet_a0"])
    assert {row.error for row in results.rows} == {
        "no --environment with tf-models-official; python -m venv DIR && DIR/bin/pip install "
        "tf-models-official, or add --install"
    }


def test_an_environment_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"none: no virtual environment; python -m venv .*none"):
        measure_peers(tmp_path / "none", methods=["movinet_a0"])


def test_an_environment_without_the_package_is_refused(environment):
    folder = environment("exit 1")
    with pytest.raises(UserError, match=r"env: tf-models-official is missing; python -m venv"):
        measure_peers(folder, methods=["movinet_a0"])


def test_an_export_that_fails_gives_one_sentence(environment):
    folder = environment(
        '[ "$2" = "-c" ] && exit 0', 'echo "Traceback" >&2', "echo Boom >&2; exit 1"
    )
    with pytest.raises(UserError, match=r"movinet_a0 cannot be exported \(Boom\); update"):
        measure_peers(folder, methods=["movinet_a0"])


def test_an_export_is_made_once(environment):
    folder = environment('[ "$2" = "-c" ] && exit 0', "echo {} > $3/movinet_$4.json")
    lines = []
    for _ in range(2):
        out = movinet_environment.exported(folder, ["a0", "a1"], lines.append)
    assert out == folder / "pan-keras-movinet"
    assert lines == ["export movinet_a0", "export movinet_a1"]


def test_an_export_that_hangs_times_out(environment, monkeypatch):
    monkeypatch.setattr(movinet_environment, "EXPORTING", 0.2)
    folder = environment('[ "$2" = "-c" ] && exit 0', "exec sleep 30")
    with pytest.raises(UserError, match=r"cannot be exported \(took longer than 0 s\)"):
        measure_peers(folder, methods=["movinet_a0"])


def test_install_makes_the_environment_and_installs_the_package(tmp_path, monkeypatch):
    commands = []

    def run(command, timeout):
        commands.append(command)
        return movinet_environment.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(movinet_environment, "_run", run)
    movinet_environment.install_package(tmp_path / "env", lambda line: None)
    python = str(tmp_path / "env" / "bin" / "python")
    assert commands == [
        [sys.executable, "-m", "venv", str(tmp_path / "env")],
        [python, "-m", "pip", "install", "--quiet", "tf-models-official"],
    ]


def test_a_method_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match=r"method: 'x3d' is not one of pan_lite_mobilenetv2"):
        measure_peers(methods=["x3d"])


def test_the_command_prints_sentences_then_the_table(monkeypatch):
    rows = (row("pan_lite_mobilenetv2", 14.0), row("movinet_a0", 2.8, rate=5.0))
    head = {"benchmark": "peers", **STEP.to_json(), "interrupted": False}
    found = Results({"name": "a machine"}, head, rows)
    monkeypatch.setattr(peers, "measure_peers", lambda **options: found)
    result = CliRunner().invoke(bench, ["peers"])
    assert result.output.startswith("pan_lite_mobilenetv2 float32 costs 5.00 times as much")
    assert "70.0" in result.output
    as_json = CliRunner().invoke(bench, ["peers", "--json"])
    assert len(json.loads(as_json.output)["rows"]) == 2
    assert CliRunner().invoke(bench, ["peers", "--install"]).exit_code == 2
