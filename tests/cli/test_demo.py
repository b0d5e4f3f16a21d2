"""`pan-keras demo`: trains two networks, tests them and leaves a report."""

import json

from click.testing import CliRunner
from small_settings import SMALL

from pan_keras.cli import main

# After one epoch of training, int8 may lose any amount of accuracy.
LENIENT = "[int8]\ndrop = 100\nagreement = 0\ncosine = -1\n"


def test_the_demo_ends_with_a_report_and_resumes_where_it_stopped(tmp_path):
    data, run = tmp_path / "data", tmp_path / "demo"
    made = CliRunner().invoke(main, ["dataset", "make", "motions", str(data), "--clips", "48"])
    assert made.exit_code == 0, made.output
    recipe = tmp_path / "lenient.toml"
    recipe.write_text(LENIENT)
    arguments = ["demo", "--root", str(data), "--run", str(run), "--json"]
    arguments += ["--recipe", str(recipe)]
    for setting in SMALL:
        arguments += ["--set", setting]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary == json.loads((run / "summary.json").read_text())
    assert 0 <= summary["test_top1"] <= 1
    assert 0 <= summary["baseline_top1"] <= 1
    page = (run / "report.html").read_text()
    assert "baseline tsn_micro" in page
    assert summary["bundle"] == str(run / "bundle")
    assert summary["models"].keys() == {"model_float32.tflite", "model_int8.tflite"}
    assert summary["models"]["model_float32.tflite"] == summary["test_top1"]
    for name in summary["models"]:
        assert f"<td>{name}</td>" in page

    files = [run / "model.keras", run / "bundle" / "model.json"]
    written = [file.stat().st_mtime_ns for file in files]
    again = json.loads(CliRunner().invoke(main, arguments).stdout)
    assert again["test_top1"] == summary["test_top1"]
    assert [file.stat().st_mtime_ns for file in files] == written

    # The report leaves out a bundle of an earlier model.
    with files[0].open("ab") as model:
        model.write(b"changed")
    page = CliRunner().invoke(main, ["report", str(run), "--output", str(tmp_path / "page.html")])
    assert page.exit_code == 0, page.output
    assert "The bundle is of an earlier model" in (tmp_path / "page.html").read_text()
