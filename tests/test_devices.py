"""The device scripts report missing tools and wrong outputs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "export" / "devices" / "arm.sh"
PHONE = ROOT / "export" / "devices" / "phone_tflite.py"
BUNDLE = ROOT / "tests" / "golden" / "before" / "schema2" / "bundle"
NEEDED = {
    "qemu-aarch64-static": "qemu-user-static",
    "mmdebstrap": "mmdebstrap arch-test",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "mvn": "maven",
}
# Replaces the emulator with the library: returns the logits of the vectors plus an offset.
EMULATOR = """#!{python}
import pathlib, sys
import numpy as np
model, threads, xnnpack, calls = sys.argv[-4:]
frames = sys.stdin.buffer.read()
if "{fault}" == "crash" and xnnpack == "1":
    sys.exit("first line\\nthe delegate failed")
model = pathlib.Path(model)
logits = np.fromfile(model.parent / "vectors" / (model.name + ".f32"), "<f4")
assert int(calls) == (4 if model.name.startswith("step") else 1)
sys.stdout.buffer.write((logits + {more}).astype("<f4").tobytes())
"""


@pytest.fixture
def tools(tmp_path):
    """A folder with the only programs that the script can find."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "dirname"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def run(tools, *arguments):
    command = [tools / "bash", SCRIPT, *arguments]
    return subprocess.run(
        command, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )


def program(folder, name, text=""):
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def test_the_arm_script_says_what_to_install(tools, tmp_path):
    for name, packages in NEEDED.items():
        done = run(tools, tmp_path)
        assert done.returncode == 2
        wanted = f"arm.sh: {name} is not installed; as root: apt-get install {packages}"
        assert done.stderr.strip() == wanted
        program(tools, name)


def test_the_arm_script_requires_a_bundle(tools, tmp_path):
    for name in NEEDED:
        program(tools, name)
    done = run(tools, tmp_path)
    assert done.returncode == 2
    assert "is not a bundle; make one: make demo" in done.stderr
    assert "usage" in run(tools).stderr


def test_the_arm_script_runs_the_oldest_tested_release():
    source = (ROOT / "pan_keras" / "deploy" / "formats" / "operator_versions.py").read_text()
    (tested,) = re.findall(r'OLDEST_TESTED: Final = "(.*)"', source)
    assert f"\ntflite={tested} " in SCRIPT.read_text()


def on_phone(tmp_path, more=0.0, fault=""):
    program(
        tmp_path,
        "qemu-aarch64-static",
        EMULATOR.format(python=sys.executable, more=more, fault=fault),
    )
    search = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, PHONE, BUNDLE, "LIB.so", "standins", "cortex-a76"],
        env={**os.environ, "PATH": search, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_tflite_file_is_compared_by_both_kernels(tmp_path):
    done = on_phone(tmp_path)
    assert done.returncode == 0, done.stderr
    files = sorted(file.name for file in BUNDLE.glob("*.tflite"))
    lines = done.stdout.splitlines()
    assert sorted(line.partition(",")[0] for line in lines) == sorted(2 * files)
    assert all("good, no logit is off by more than 0.0e+00" in line for line in lines)
    assert sum("XNNPACK" in line for line in lines) == len(files)


def test_a_wrong_answer_of_the_phones_library_fails(tmp_path):
    done = on_phone(tmp_path, more=100.0)
    assert done.returncode == 1
    assert "a logit is off by 1e+02" in done.stdout


def test_a_library_that_stops_is_named_with_its_last_words(tmp_path):
    done = on_phone(tmp_path, fault="crash")
    assert done.returncode == 2
    assert re.search(
        r"Error: \w+\.tflite: the library stopped \(1\): the delegate failed", done.stderr
    )
