"""Run folders as training leaves them, made in a second."""

import shutil

import pytest
from runs import untrained_run

from pan_keras.data import make_motions
from pan_keras.training.run import Run


@pytest.fixture(scope="session")
def small_motions(tmp_path_factory):
    return make_motions(tmp_path_factory.mktemp("data") / "motions", clips=48)


@pytest.fixture(scope="session")
def make_run(small_motions, tmp_path_factory):
    """Makes a finished run of an untrained network on the embedded data set."""

    def make(*overrides, model="pan_lite_micro"):
        folder = tmp_path_factory.mktemp("runs") / model
        return untrained_run(folder, small_motions, *overrides, model=model)

    return make


@pytest.fixture(scope="session")
def run(make_run):
    return make_run()


@pytest.fixture
def own_run(run, tmp_path):
    """A copy of `run`, not evaluated, that a test may write into."""
    ignored = shutil.ignore_patterns("evaluation", "report.html")
    return Run(shutil.copytree(run.path, tmp_path / "run", ignore=ignored))
