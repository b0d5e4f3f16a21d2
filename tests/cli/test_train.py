"""`pan-keras train` on the command line: output and user errors."""

import json

import pytest
from click.testing import CliRunner
from small_settings import SMALL

from pan_keras import training
from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.runs.run import open_run

QUICK = [
    *SMALL,
    "training.batch=4",
]


def invoke(*arguments):
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


def test_a_run_folder_has_all_documented_files(small_motions, tmp_path):
    run = tmp_path / "run"
    settings = [word for item in QUICK for word in ("--set", item)]
    result = invoke("motions", "--root", small_motions, "--run", run, *settings, "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["epochs"] == 1
    assert {file.name for file in run.iterdir()} >= {
        "checkpoints",
        "config.toml",
        "data_report.json",
        "labels.txt",
        "metrics.csv",
        "model.keras",
        "preprocessing.json",
        "tensorboard",
        "versions.json",
    }
    opened = open_run(run)
    assert opened.config.training.batch == 4
    assert len(opened.labels) == 8
    assert opened.metrics()[0]["val_accuracy"] == pytest.approx(summary["best_val_accuracy"])
    assert opened.load_model().output_shape == (None, 8)
    assert {"keras", "tensorflow", "numpy"} <= opened.versions.keys()

    again = invoke("motions", "--root", small_motions, "--run", run)
    assert again.exit_code == 2
    assert "--resume" in again.output


def test_jit_sets_training_jit(monkeypatch):
    def refuse(*arguments, overrides, **options):
        raise UserError(f"asked for {overrides}")

    monkeypatch.setattr(training, "train", refuse)
    output = invoke("--set", "training.seed=1", "--jit").output
    assert "asked for ('training.seed=1', 'training.jit=true')" in output
    assert "asked for ('training.seed=1',)" in invoke("--set", "training.seed=1").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent"),
        (["egogestar"], "root"),
        (["--set", "training.sede=1"], "training.seed"),
        (["--config", "absent.toml"], "absent.toml"),
        (["--model", "pan_lite_micr"], "pan_lite_micro"),
        (["--set", "augmentation.flip=true"], "mirror"),
        (["--resume"], "no run"),
        (["--resume", "--set", "training.seed=1"], "remove the other arguments"),
        (["--resume", "--jit"], "remove the other arguments"),
        (["--set", "model.weights=absent.keras"], "absent.keras"),
    ],
)
def test_a_user_error_is_one_sentence(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []
