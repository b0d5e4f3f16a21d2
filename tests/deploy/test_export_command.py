"""The command `pan-keras export`."""

import json
import shutil

import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.runtime import Bundle


def test_the_command_exports_the_latest_run(own_run, tmp_path, monkeypatch):
    shutil.rmtree(own_run.path / "bundle")
    (tmp_path / "runs").mkdir()
    own_run.path.rename(tmp_path / "runs" / "mine")
    monkeypatch.chdir(tmp_path)
    arguments = ["export", "--tflite", "--precision", "float32", "--json"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    record = json.loads(result.stdout)
    assert record["bundle"] == "runs/mine/bundle"
    assert [entry["file"] for entry in record["artefacts"]] == ["model_float32.tflite"]
    assert record["artefacts"][0]["accuracy"]["split"] == "test"
    assert Bundle.open(tmp_path / "runs" / "mine" / "bundle").facts["name"] == record["name"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent: not a run folder"),
        (["absent.keras"], "no such file"),
        ([], "contains no run"),
        (["--precision", "int4"], "'int4' is not one of float32, float16, dynamic, int8"),
    ],
)
def test_a_user_error_is_one_sentence(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["export", *arguments])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--streaming", "--precision", "float32"], "train with model.causal=true to stream"),
        (["--onnx", "--precision", "float16"], "onnx supports the precisions float32, int8"),
        (["--recipe", "fast"], "the recipes are default"),
        (["--calibration", "absent"], "not a folder, CSV file or data set name"),
    ],
)
def test_models_that_cannot_be_exported_give_one_sentence(own_run, arguments, message):
    result = CliRunner().invoke(main, ["export", str(own_run.path), *arguments])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
