"""The scripts beside devices say plainly what they lack."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "export" / "devices" / "arm.sh"


@pytest.fixture
def tools(tmp_path):
    """A folder of programs, which is all that the script can find."""
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


def test_arm_says_what_to_install(tools, tmp_path):
    done = run(tools, tmp_path)
    assert done.returncode == 2
    assert "qemu-aarch64-static is not here; as root: apt-get install qemu-user-st" in done.stderr


def test_arm_wants_a_bundle(tools, tmp_path):
    for name in ("qemu-aarch64-static", "mmdebstrap"):
        (tools / name).write_text("")
        (tools / name).chmod(0o755)
    done = run(tools, tmp_path)
    assert done.returncode == 2
    assert "is no bundle; make one: make demo" in done.stderr
    assert "usage" in run(tools).stderr
