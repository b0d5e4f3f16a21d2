"""Runs written by earlier versions, made by `tests/golden/before/make.py`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pan_keras.runs.run import open_run

BEFORE = Path(__file__).parents[1] / "golden/before"
EARLIER = sorted(path.name for path in BEFORE.glob("schema*"))


@pytest.fixture(params=EARLIER)
def earlier(request, tmp_path):
    shutil.copytree(BEFORE / request.param, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_the_model_of_an_earlier_run_gives_the_recorded_logits(earlier):
    run = open_run(earlier / "run")
    clip = np.random.default_rng(0).integers(0, 256, run.shape.array, "uint8")
    expected = json.loads((earlier / "logits.json").read_text())["model.keras"]

    found = run.load_model().predict(clip[None], verbose=0)[0]

    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert len(run.labels) == len(expected)


def test_an_earlier_run_keeps_its_settings(earlier):
    run = open_run(earlier / "run")

    assert run.config.model.name == "pan_lite_micro"
    assert run.config.model.causal
    assert run.config.training.epochs == 60
    assert run.config.training.learning_rate == pytest.approx(0.01)
    assert run.shape.array == (4, 2, 24, 32, 3)
    assert (
        run.shape.resizing
        == json.loads((earlier / "bundle/model.json").read_text())["schema_version"]
    )
    assert len(run.metrics()) == 60
