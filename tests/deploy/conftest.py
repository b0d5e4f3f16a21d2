"""A run that is exported once, and a bundle of small models."""

import shutil

import pytest
from bundles import make_bundle
from runs import untrained_run

from pan_keras.data import make_motions


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundles") / "mean").path


@pytest.fixture
def own_bundle(bundle, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(bundle, tmp_path / "bundle")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    return untrained_run(folder / "run", make_motions(folder / "motions", clips=48), sureness=1000)
