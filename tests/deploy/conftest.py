"""A run that can be exported."""

import pytest
from run_folders import untrained_run

from pan_keras.data import make_motions


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    return untrained_run(folder / "run", make_motions(folder / "motions", clips=48), sureness=1000)
