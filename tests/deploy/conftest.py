"""Fixtures: a run that can be exported, and its bundles."""

import shutil

import pytest
from exports import LENIENT
from run_folders import untrained_run

from pan_keras.deploy import export
from pan_keras.runs.run import Run


@pytest.fixture(scope="session")
def run(small_motions, tmp_path_factory):
    return untrained_run(tmp_path_factory.mktemp("export") / "run", small_motions, sureness=1000)


@pytest.fixture(scope="session")
def exported(run):
    """The bundle of `run`: TFLite, float32 and int8."""
    return export(run.path, overrides=LENIENT)


@pytest.fixture
def own_run(run, exported, tmp_path):
    """A copy of the exported run that a test may modify and export again."""
    return Run(shutil.copytree(run.path, tmp_path / "run"))


@pytest.fixture(scope="session")
def live(tmp_path_factory, run):
    """A bundle of a network with a causal shift: both formats, for clips and streams."""
    folder = tmp_path_factory.mktemp("live") / "run"
    causal = untrained_run(folder, run.config.data.root, "model.causal=true", sureness=1000)
    wanted = {"formats": ["tflite", "onnx"], "streaming": True, "evaluate": "none"}
    return export(causal.path, overrides=LENIENT | {"export": wanted})
