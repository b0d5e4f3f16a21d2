"""`pan-keras demo`: trains two networks, tests them and leaves a report."""

import json

from click.testing import CliRunner

from pan_keras.cli import main

QUICK = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=1",
)


def test_it_ends_in_a_report_and_begins_where_it_stopped(tmp_path):
    data, run = tmp_path / "data", tmp_path / "demo"
    made = CliRunner().invoke(main, ["dataset", "make", "motions", str(data), "--clips", "48"])
    assert made.exit_code == 0, made.output
    arguments = ["demo", "--root", str(data), "--run", str(run), "--json"]
    for setting in QUICK:
        arguments += ["--set", setting]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary == json.loads((run / "summary.json").read_text())
    assert 0 <= summary["test_top1"] <= 1
    assert 0 <= summary["baseline_top1"] <= 1
    assert "baseline tsn_micro" in (run / "report.html").read_text()

    written = (run / "model.keras").stat().st_mtime_ns
    again = json.loads(CliRunner().invoke(main, arguments).stdout)
    assert again["test_top1"] == summary["test_top1"]
    assert (run / "model.keras").stat().st_mtime_ns == written
