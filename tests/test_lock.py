"""A lock has a single holder, and is released when its process ends."""

import os
import socket
import subprocess
import sys

import pytest

from pan_keras.errors import UserError
from pan_keras.lock import locked, refuse_locked

HOLD = """
import sys, time
from pan_keras.lock import locked
with locked(sys.argv[1], "it"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `tmp_path`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / ".lock")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_holds_it(holder, tmp_path):
    expected = f"runs/a: process {holder.pid} on '{socket.gethostname()}' is writing here"
    with pytest.raises(UserError, match=expected), locked(tmp_path / ".lock", "runs/a"):
        pass
    with pytest.raises(UserError, match=expected):
        refuse_locked(tmp_path / ".lock", "runs/a")


def test_the_lock_of_a_killed_process_is_released(holder, tmp_path):
    with pytest.raises(UserError, match=f"process {holder.pid} "):
        refuse_locked(tmp_path / ".lock", "it")
    holder.kill()
    holder.wait()
    refuse_locked(tmp_path / ".lock", "it")
    with (
        locked(tmp_path / ".lock", "it"),
        pytest.raises(UserError, match=f"process {os.getpid()} "),
    ):
        refuse_locked(tmp_path / ".lock", "it")


def test_a_thread_of_the_same_process_is_a_second_writer_too(tmp_path):
    with (
        locked(tmp_path / ".lock", "it"),
        pytest.raises(UserError, match="is writing here"),
        locked(tmp_path / ".lock", "it"),
    ):
        pass
    with locked(tmp_path / ".lock", "it"):
        pass


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"it: cannot be locked \("),
        locked(tmp_path / "file" / ".lock", "it"),
    ):
        pass


def test_checking_a_lock_creates_no_file(tmp_path):
    refuse_locked(tmp_path / ".lock", "it")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"process": "x"}', '{"process": 1}'])
def test_a_holder_that_cannot_be_read_is_another_process(content, tmp_path):
    lock = tmp_path / ".lock"
    with locked(lock, "it"):
        (tmp_path / ".lock.holder").write_text(content)
        with pytest.raises(UserError, match="it: another process is writing here"):
            refuse_locked(lock, "it")
