"""Keras is measured on another backend if TensorFlow is absent."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CONFIGURED = os.environ.get("KERAS_BACKEND", "tensorflow")
BACKEND = "jax" if CONFIGURED == "tensorflow" else CONFIGURED


@pytest.mark.slow
@pytest.mark.skipif(not find_spec(BACKEND), reason=f"{BACKEND} is not installed")
def test_motion_and_models_are_measured_where_tensorflow_is_absent(tmp_path):
    # A module of that name that fails on import, ahead of the real one on the path.
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError(name='tensorflow')\n")
    paths = map(str, (tmp_path, Path.cwd(), HERE))
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "KERAS_BACKEND": BACKEND}
    done = subprocess.run(
        [sys.executable, HERE / "measures_without_tensorflow.py"],
        env=variables,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    motion, model = json.loads(done.stdout)
    assert [row["error"] for row in motion + model] == [None] * 3
    assert {row["backend"].split()[0] for row in motion + model} == {BACKEND}
    assert [row["graph"] for row in motion] == ["plain", "fast"]
