"""Commands that start Ray, and Ray clusters of several nodes on this machine."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIMIT = 240  # seconds that a command may take on a busy machine


def environment(token, **more):
    """Of a command: the checkout, and a token of Ray, which also marks its processes."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    ours = {"PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    # Workers share the processors of a busy machine with others.
    return kept | ours | {"RAY_worker_niceness": "0"} | more


@contextlib.contextmanager
def running(*arguments, token=None, program="from pan_keras.cli import main; main()", **more):
    """Starts `pan-keras` in a process, and ends it and all that it has started with the block."""
    own = secrets.token_hex(32)
    # A killed command leaves Ray's folder behind, whose name must be short.
    folder = tempfile.mkdtemp(prefix="rn-", dir="/tmp")
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        env=environment(token or own, TMPDIR=folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.token = token or own
    try:
        yield process
    finally:
        process.kill()
        if token is None:
            end(own)
        process.communicate(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def command(*arguments, **options):
    """Runs `pan-keras` in a process; returns its exit code, output and errors."""
    with running(*arguments, **options) as process:
        output, errors = process.communicate(timeout=LIMIT)
        return process.returncode, output, errors


def wait_for(condition, what, process=None):
    """Waits until a condition holds, and returns its value."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        if process is not None and process.poll() is not None:
            pytest.fail(f"ended before {what}: {process.communicate(timeout=30)}")
        time.sleep(0.005)
    pytest.fail(f"{what}: not within {LIMIT} s")


def processes_with(text):
    """Numbers of the running processes whose environment holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if text.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


def end(text):
    """Kills the processes whose environment holds a text."""
    for _ in range(5):
        for process in processes_with(text):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)


class Nodes:
    """A Ray cluster of two nodes on this machine, with a processor each."""

    def __init__(self):
        self.token = secrets.token_hex(32)
        self.folder = tempfile.mkdtemp(prefix="rn-", dir="/tmp")
        told = self._start("0", "--head", "--port", "0", "--include-dashboard", "false")
        self.address = re.search(r"--address='([^']+)'", told)[1]
        self._start("1", "--address", self.address)

    def kill_second(self):
        """Kills all processes of the second node."""
        end(f"{self.token}:1")

    def close(self):
        end(self.token)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, number, *arguments):
        where = ("--temp-dir", self.folder) if "--head" in arguments else ()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, *where),
                *("--num-cpus", "1", "--object-store-memory", str(100 << 20)),
                "--disable-usage-stats",
            ],
            env=environment(self.token, NODE=f"{self.token}:{number}"),
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
