"""The GPU script measures only correct results, and reports cases it could not measure."""

import csv
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

SCRIPT = Path(__file__).parent.parent / "export" / "devices" / "gpu.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu"] = module  # its dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["gpu"]


def measured(script, make, check=None, seconds_left=60.0):
    row = script.Row("pa", "jax", "keras", "xla", "float32", clips=2)
    case = script.Case(row, frames=96, pairs=80, make=make, check=check)
    return script.measure(case, 0.05, time.monotonic() + seconds_left)


def test_rates_follow_from_the_median(script):
    row = measured(script, lambda: lambda: time.sleep(0.002))
    assert 2 <= row.p5_ms <= row.p50_ms <= row.p95_ms
    assert row.frames_per_second == pytest.approx(96_000 / row.p50_ms, abs=1)
    assert row.pairs_per_second == pytest.approx(80_000 / row.p50_ms, abs=1)
    assert row.clips_per_second == pytest.approx(2000 / row.p50_ms, abs=0.01)


def test_wrong_failed_and_late_cases_have_no_time(script):
    wrong = measured(script, lambda: lambda: 1, check=lambda found: 0.5)
    no_number = measured(script, lambda: lambda: 1, check=lambda found: np.nan)
    failing = measured(script, lambda: 1 / 0)
    late = measured(script, lambda: lambda: 1, seconds_left=-1)
    assert [row.p50_ms for row in (wrong, no_number, failing, late)] == [None] * 4
    assert wrong.note == "wrong: differs by 0.5 from the reference"
    assert no_number.note.startswith("wrong")
    assert failing.note == "not run: ZeroDivisionError: division by zero"
    assert late.note == "not run: no time was left"


def test_the_reference_is_pa(script):
    from pan_keras.layers import PersistenceOfAppearance

    frames, kernel, bias = script.pa_inputs(script.QUICK, 1)
    layer = PersistenceOfAppearance()
    layer.build(frames.shape)
    layer.set_weights([kernel, bias])
    found = keras.ops.convert_to_numpy(layer(frames))
    assert script.pa_error(frames, kernel, found) < 1e-4
    assert script.pa_error(frames, kernel, found + 0.01) > 9e-3


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="compares with a network in torch")
def test_the_plain_network_gives_the_logits_of_keras(script, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import gpu_torch

    clips = np.random.default_rng(0).integers(0, 256, (1, 4, 3, 64, 64, 3)).astype("uint8")
    error = gpu_torch.logits_error(clips, 10)
    for form, _, precision, make in gpu_torch.pan_lite("pan_lite", clips, 10, on_gpu=False):
        if (form, precision) == ("plain", "float32"):
            logits = make()()
            assert error(logits) < script.LIMITS["float32"]
            assert error(2 * logits) > 0.9
            return
    pytest.fail("no plain network in float32")


@pytest.fixture
def folder(tmp_path):
    """A folder with the only programs that the script can find."""
    return {**os.environ, "PATH": str(tmp_path)}


def test_a_machine_without_a_gpu_gets_one_sentence(folder):
    done = subprocess.run(
        [sys.executable, SCRIPT], env=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "Error: nvidia-smi shows no GPU; use --device cpu to try the script without one\n"
    )


def test_a_machine_without_a_framework_gets_one_sentence(script, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["gpu.py", "--device", "cpu"])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        'Error: neither jax nor torch is installed; pip install "pan-keras[jax]"\n'
    )


def test_every_row_of_the_csv_names_machine_and_versions(script, tmp_path):
    rows = [measured(script, lambda: lambda: 1), *script.absent("torch")]
    script.write(rows, tmp_path / "made" / "gpu.csv", "cpu", is_quick=True)
    with (tmp_path / "made" / "gpu.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(rows) == 1 + 2 * 3 + 4
    for row in read:
        assert row["keras"]
        assert row["work"] == "quick"
    assert read[0]["p50_ms"]
    assert {row["note"] for row in read[1:]} == {"not run: torch is not installed"}
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["gpu.csv"]
