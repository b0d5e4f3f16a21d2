"""The command line starts fast: nothing slow is imported before a command needs it."""

import subprocess
import sys

import pytest

SLOW = {"av", "cv2", "keras", "matplotlib", "numpy", "rich", "tensorflow"}

PROGRAM = """
import sys
from pan_keras.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def loaded_by(*arguments):
    """Names of the modules loaded when `pan-keras ARGUMENTS` ends."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("train", "--help")], ids=" ".join
)
def test_help_and_version_import_nothing_slow(arguments):
    assert not loaded_by(*arguments) & SLOW
