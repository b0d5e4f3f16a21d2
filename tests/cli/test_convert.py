"""`pan-keras convert` on the command line: output and user errors."""

import json
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from checkpoint_files import training_checkpoint, weights_like
from click.testing import CliRunner
from golden_files import FOLDER, golden_json

from pan_keras import models
from pan_keras.checkpoints import read_state_dict, save_state_dict, state_dict_of
from pan_keras.cli import main


def invoke(*arguments):
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "micro.pth"
    save_state_dict(models.create("pan_lite_micro", classes=3, stack=3, size=32), path)
    return path


def test_a_checkpoint_survives_conversion_there_and_back(checkpoint, tmp_path):
    run = tmp_path / "run"
    result = invoke(checkpoint, "-o", run, "--size", "32", "40", "--name", "mine")
    assert result.exit_code == 0, result.output
    assert "pan_lite_micro" in result.stdout
    assert "assumed: 7 timescales fit 8 to 15 segments" in result.stdout
    assert json.loads((run / "conversion.json").read_text())["name"] == "mine"
    assert (run / "labels.txt").read_text() == "0\n1\n2\n"

    back = tmp_path / "back.pth"
    result = invoke(run, "--to-torch", back, "--json")
    assert json.loads(result.stdout) == {"files": [str(back)]}
    assert back.read_bytes() == checkpoint.read_bytes()


def test_weights_that_overflow_leave_nothing_behind(tmp_path):
    network = models.create("pan_lite_micro", classes=3, stack=3, size=32)
    for weight in network.weights:
        if weight.path.endswith("gamma"):
            weight.assign(weight + 1e30)
    save_state_dict(network, tmp_path / "large.pth")
    result = invoke(tmp_path / "large.pth", "-o", tmp_path / "run")
    assert result.exit_code == 2, result.output
    assert "large.pth: its weights are so large" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["large.pth"]


def test_json_is_the_record(checkpoint, tmp_path):
    result = invoke(checkpoint, "-o", tmp_path / "run", "--size", "32", "32", "--json")
    assert json.loads(result.stdout) == json.loads((tmp_path / "run/conversion.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["FILE"], "give -o RUN"),
        (["FILE", "-o", "run", "--to-torch", "out.pth"], "give -o RUN"),
        (["FILE", "FILE", "-o", "run"], "add --full"),
        (["FILE", "FILE", "--to-torch", "out.pth"], "takes one run folder"),
        (["FILE", "--to-torch", "out.pth"], "damaged"),
        (["absent.pth", "-o", "run"], "not readable"),
        (["FILE", "-o", "run", "--segments", "3"], "8 to 15 segments, not 3"),
        (["FILE", "-o", "run", "--name", "tsm_resnet50"], "not of tsm_resnet50"),
        (["OTHER", "-o", "run"], "of a state_dict|not a PAN checkpoint"),
    ],
)
def test_a_user_error_is_one_sentence(arguments, message, checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {"FILE": checkpoint, "OTHER": FOLDER / "torch_zip.pth.tar"}
    result = invoke(*(files.get(word, word) for word in arguments))
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []
    assert re.search(message, result.output)


def private_memory(process):
    """Bytes of memory not backed by files, or 0 if the process has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted otherwise elsewhere")
def test_a_resnet50_converts_in_three_times_the_memory_of_its_file(tmp_path):
    """Counts the whole process with TensorFlow, except file pages, which the system can drop."""
    state = weights_like(golden_json("keys_resnet50_lite"))
    checkpoint, run = tmp_path / "resnet50.pth.tar", tmp_path / "run"
    checkpoint.write_bytes(training_checkpoint(state))
    command = [sys.executable, "-c", "from pan_keras.cli import main; main()", "convert"]
    peak = 0
    with subprocess.Popen([*command, checkpoint, "-o", run], stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            peak = max(peak, private_memory(process))
            time.sleep(0.005)
        assert process.returncode == 0, process.stderr.read()
    assert checkpoint.stat().st_size < peak < 3 * checkpoint.stat().st_size
    model = models.load(run)
    assert model.name == "pan_lite_resnet50"
    written = read_state_dict(checkpoint)
    for key, array in state_dict_of(model, counts={}).items():
        np.testing.assert_array_equal(array, written[key])
