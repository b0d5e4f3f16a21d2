"""Runs each case in its own process, pinned to processors and with time limits."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing import Pipe
from typing import Any

from pan_keras.bench.machine import processors
from pan_keras.errors import UserError
from pan_keras.installation import install

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_minloglevel": "3"}
ENDING = 2.0  # seconds that a process has to exit by itself


class CaseError(Exception):
    """An error in the process of a case, as one sentence."""


class CaseProcess:
    """A process that opens a session and calls it on request.

    Args:
        threads: Number of threads of its runtimes. It is set in the environment before anything is
            imported, and the process is pinned to as many processors; None for all of them.
        environment: Further variables, such as `KERAS_BACKEND`.

    Example:
        >>> with CaseProcess(threads=1) as process:
        ...     process.request("call", "os:cpu_count", timeout=10)
        2
    """

    def __init__(self, threads: int | None = None, environment: Mapping[str, str] | None = None):
        self._pipe, theirs = Pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process is)
        variables = {**os.environ, **QUIET, **(environment or {})}
        pinned: list[int] = []
        if threads is not None:
            variables |= dict.fromkeys(THREADS, str(threads))
            pinned = processors()[:threads]
        descriptor = theirs.fileno()
        command = [sys.executable, "-m", "pan_keras.bench.worker", descriptor, *pinned]
        self._process = subprocess.Popen(
            [str(word) for word in command],
            env=variables,
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            # The parent handles Ctrl-C: it keeps what was measured, then ends the others.
            start_new_session=True,
        )
        theirs.close()

    @property
    def is_alive(self) -> bool:
        """Tells whether the process can answer requests."""
        return not self._pipe.closed and self._process.poll() is None

    def request(self, name: str, *arguments: Any, timeout: float) -> Any:
        """Sends the process a request and waits for the answer.

        Args:
            name: A method of `pan_keras.bench.worker.Worker`.
            arguments: Its arguments.
            timeout: Seconds to wait, after which the process is ended.

        Raises:
            CaseError: If it answers with an error, dies or takes too long.
        """
        try:
            self._pipe.send((name, *arguments))
            if not self._pipe.poll(timeout):
                self.close()
                raise CaseError(f"did not respond within {timeout:.0f} s and was terminated")
            state, value = self._pipe.recv()
        except (EOFError, OSError):
            raise CaseError(self._last_words()) from None
        if state == "error":
            raise CaseError(value)
        return value

    def close(self) -> None:
        """Ends the process, by force if necessary, and frees its resources."""
        self._pipe.close()
        if self._process.poll() is None:
            # The whole group, since a runtime may have started child processes.
            _signal(self._process, signal.SIGTERM)
            try:
                self._process.wait(ENDING)
            except subprocess.TimeoutExpired:
                _signal(self._process, signal.SIGKILL)
                self._process.wait()
        self._errors.close()

    def __enter__(self) -> "CaseProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _last_words(self) -> str:
        """Describes how the process ended, with the last line it wrote."""
        end = time.monotonic() + ENDING
        while self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        code = self._process.poll()
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode(errors="replace").strip().splitlines()
        how = "closed its pipe" if code is None else f"exited with code {code}"
        if code is not None and code < 0:
            how = f"was killed by signal {-code} ({signal.Signals(-code).name})"
        return f"its process {how}" + (f": {lines[-1][:300]}" if lines else "")


def keras_backend() -> str:
    """Returns the Keras backend for a process: as configured, or the first one installed.

    Raises:
        UserError: If no backend is installed.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    if configured := os.environ.get("KERAS_BACKEND"):
        return configured
    for name in ("tensorflow", "jax", "torch"):
        if find_spec(name):
            return name
    raise UserError(
        f"keras: no backend is installed; {install('export')}, or for the target keras alone "
        '"pan-keras[jax]" or "pan-keras[torch]"'
    )


def _signal(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
