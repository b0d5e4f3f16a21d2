"""Connects to a Ray cluster, or starts Ray on this machine."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pan_keras
from pan_keras.errors import Interrupted, UserError
from pan_keras.silence import silent_stderr
from pan_keras.stopping import StopRequest

TICK = 0.2  # seconds between two looks at a request to stop
REACH = 5.0  # seconds until a host must answer
ANSWER = 20.0  # seconds until Ray on it must answer
START = 120.0  # seconds until a process of the cluster must have started
END = 10.0  # seconds until a process of the cluster must have ended
PATIENCE = 1800.0  # seconds without any result after which work is given up
STORE = 100 << 20  # bytes of shared memory of a local Ray; results are small
# Sockets of Ray have about 70 characters below its folder, and 107 in all.
LONGEST_FOLDER = 16
ADDRESS = re.compile(r"(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
# Ray ends the process that cannot connect, so another one tries first.
TRIAL = """
import logging, sys
import ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level=logging.CRITICAL)
ray.shutdown()
"""


class Cluster:
    """A connection to Ray; made by `connect`.

    Args:
        address: What it is connected to; None for processes of this machine alone.
        processors: Processors of the cluster when it was opened.
        stop: The request to stop that the connection handles.

    Example:
        >>> with connect() as cluster:
        ...     powers = dict(cluster.run(pow, [(2, 3), (2, 4)], what="computing powers"))
        ...     first, *_ = cluster.ended([task.remote(2), task.remote(3)], "computing more")
        >>> powers
        {0: 8, 1: 16}
    """

    def __init__(self, address: str | None, processors: int, stop: StopRequest):
        self.address = address
        self.processors = processors
        self._stop = stop

    def run(
        self,
        function: Callable,
        items: Iterable[tuple],
        *,
        what: str,
        at_a_time: int | None = None,
        stopped: Callable[[], bool] | None = None,
        patience: float | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Calls a function once per item, as tasks, and yields results as they come.

        A task whose process or machine is lost runs again, without limit, as long as others end. An
        exception of the function ends the work.

        Args:
            function: A function of an installed module.
            items: Arguments of each call.
            what: The work, for messages.
            at_a_time: Tasks in the cluster at a time; by default two per processor.
            stopped: Whether to stop, in place of the connection's own handling of signals; tasks
                that run are then ended.
            patience: Longest time in seconds until another task must have ended; by default half
                an hour.

        Yields:
            Position of the item, and its result.

        Raises:
            UserError: If no task ends for that long.
            Interrupted: After Ctrl-C or SIGTERM.
        """
        import ray  # noqa: PLC0415 (optional)

        task = ray.remote(num_cpus=1, max_retries=-1, retry_exceptions=False)(function)
        left = enumerate(items)
        running: dict[Any, int] = {}
        limit = at_a_time or 2 * self.processors
        try:
            while not (stopped and stopped()):
                for position, item in islice(left, limit - len(running)):
                    running[task.remote(*item)] = position
                if not running:
                    return
                for reference in self.ended(list(running), what, stopped, patience):
                    yield running.pop(reference), result(reference)
        finally:
            end_tasks(running)

    def ended(
        self,
        references: Sequence[Any],
        what: str,
        stopped: Callable[[], bool] | None = None,
        patience: float | None = None,
    ) -> list[Any]:
        """Waits until one of several tasks has ended.

        Args:
            references: The tasks.
            what: The work, for messages.
            stopped: As for `run`.
            patience: As for `run`.

        Returns:
            The tasks that have ended; none after a stop.

        Raises:
            UserError: If none ends for that long.
            Interrupted: After Ctrl-C or SIGTERM.
        """
        import ray  # noqa: PLC0415 (optional)

        patience = PATIENCE if patience is None else patience
        end = time.monotonic() + patience
        while True:
            # Looked at first, since tasks may end faster than they are waited for.
            if stopped is None and self._stop.signal is not None:
                raise Interrupted(f"{what}: stopped; the same command continues", self._stop.signal)
            done, _ = ray.wait(list(references), num_returns=1, timeout=TICK)
            if done or (stopped and stopped()):
                return done
            if time.monotonic() > end:
                raise UserError(
                    f"{self.name}: nothing has ended for {patience / 60:.0f} minutes while "
                    f"{what}; see whether it has free processors (ray status), then run the same "
                    "command, which continues"
                )

    @property
    def stopped(self) -> int | None:
        """The signal that has asked the work to stop, or None."""
        return self._stop.signal

    @property
    def name(self) -> str:
        """What it is connected to, for messages."""
        return self.address or "Ray on this machine"


@contextmanager
def connect(address: str | None = None, *, processors: int | None = None) -> Iterator[Cluster]:
    """Connects to a Ray cluster, or starts Ray on this machine until the block ends.

    Within the block Ctrl-C and SIGTERM are requests to stop; a second one ends the process. Ray on
    this machine listens on network ports, and admits only this process, with a token.

    Args:
        address: `HOST:PORT` of a cluster that this machine belongs to, or `auto` for the one that
            runs here. By default Ray is started, with little memory and without its dashboard.
        processors: Processors for a Ray that is started; by default all.

    Yields:
        The connection.

    Raises:
        ModuleNotFoundError: If Ray is not installed.
        Interrupted: After Ctrl-C or SIGTERM before the block.
        UserError: If the address does not answer, another version of Ray or pan-keras runs there,
            or Ray cannot be started.

    Example:
        >>> with connect("10.0.0.7:6379") as cluster:
        ...     cluster.processors
        128
    """
    _configure(own=address is None)
    import ray  # noqa: PLC0415 (optional)

    if ray.is_initialized():
        raise UserError("Ray: this process is connected already; call ray.shutdown() first")
    if address is not None:
        _try(address)
    folder = None if address else Path(tempfile.mkdtemp(prefix="pan-keras-", dir=_short_folder()))
    try:
        # Its end also restores the handlers of signals that Ray replaces.
        with StopRequest() as stop:
            _start(address, folder, processors)
        if stop.signal is not None:
            raise Interrupted("stopped before the work began", stop.signal)
        with StopRequest() as stop:
            count = int(ray.cluster_resources().get("CPU", 0))
            if count < 1:
                raise UserError(f"{address}: the cluster has no processors; add a node to it")
            cluster = Cluster(address, count, stop)
            if address is not None:
                _check_version(cluster)
            yield cluster
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def result(reference: Any) -> Any:
    """Returns what a task that has ended returned, or raises what it raised.

    Args:
        reference: The task.
    """
    import ray  # noqa: PLC0415 (optional)

    try:
        return ray.get(reference, timeout=START)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, Exception):
            raise error.cause from error
        raise


def end_tasks(references: Iterable[Any]) -> None:
    """Ends tasks with their processes; what they were writing stays unfinished.

    Args:
        references: The tasks.
    """
    import ray  # noqa: PLC0415 (optional)

    references = list(references)
    for reference in references:
        ray.cancel(reference, force=True)
    if references:
        ray.wait(references, num_returns=len(references), timeout=END)


def _configure(own: bool) -> None:
    """Sets what Ray reads from the environment when it is imported."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # News of lost processes would be printed between the results.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".*")
    if own:
        # Workers otherwise yield to every other process of the machine.
        os.environ.setdefault("RAY_worker_niceness", "0")
        # After a kill -9 of this process, agents of Ray wait that long for it.
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "20")
    if own and "ray" not in sys.modules:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _short_folder() -> str:
    folder = tempfile.gettempdir()
    return folder if len(folder) <= LONGEST_FOLDER else "/tmp"


def _try(address: str) -> None:
    """Raises UserError unless Ray answers, within seconds."""
    if address != "auto":
        found = ADDRESS.fullmatch(address)
        if found is None or not 0 < int(found["port"]) < 65536:
            raise UserError(f"--address {address}: write HOST:PORT, such as 10.0.0.7:6379, or auto")
        try:
            socket.create_connection((found["host"].strip("[]"), int(found["port"])), REACH).close()
        except OSError as error:
            raise UserError(
                f"{address}: does not answer ({error.strerror or error}); give the address that "
                "ray start --head has printed"
            ) from error
    limits = dict.fromkeys(
        ("RAY_gcs_rpc_server_connect_timeout_s", "RAY_gcs_rpc_server_reconnect_timeout_s"), "3"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", TRIAL, address],
            capture_output=True,
            text=True,
            timeout=ANSWER,
            check=False,
            env={**os.environ, **limits},
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{address}: Ray does not answer within {ANSWER:.0f} s; give the address that "
            "ray start --head has printed"
        ) from None
    if done.returncode:
        raise UserError(
            f"{address}: Ray does not answer ({_reason(done.stderr)}); give the address that "
            "ray start --head has printed, on a machine of that cluster"
        )


def _reason(text: str) -> str:
    """The exception in the output of the trial, in short."""
    errors = re.findall(r"^\w*(?:\.\w+)*(?:Error|Exception): (.*)$", text, re.MULTILINE)
    return errors[-1].rstrip(".")[:200] if errors else "no Ray is there"


def _start(address: str | None, folder: Path | None, processors: int | None) -> None:
    import logging  # noqa: PLC0415

    import ray  # noqa: PLC0415 (optional)

    options: dict[str, Any] = {"address": address}
    if address is None:
        options = {
            "address": "local",
            "num_cpus": processors or os.cpu_count() or 1,
            "object_store_memory": STORE,
            "include_dashboard": False,
            "_temp_dir": str(folder),
        }
    try:
        with silent_stderr():
            ray.init(**options, log_to_driver=False, logging_level=logging.CRITICAL)
    except (RuntimeError, ValueError, OSError, TimeoutError) as error:
        where = address or "Ray on this machine"
        raise UserError(
            f"{where}: cannot be used ({str(error).strip().splitlines()[0][:200]}); leave out "
            "--engine ray, or correct it"
        ) from error


def _check_version(cluster: Cluster) -> None:
    """Raises UserError unless the cluster runs a task with the same version of this package."""
    import ray  # noqa: PLC0415 (optional)

    task = ray.remote(num_cpus=1, max_retries=-1)(_version)
    reference = task.remote()
    try:
        version = ray.get(reference, timeout=START)
    except ray.exceptions.GetTimeoutError:
        raise UserError(
            f"{cluster.name}: no processor became free within {START:.0f} s; see ray status"
        ) from None
    except ray.exceptions.RayError as error:
        raise UserError(
            f"{cluster.name}: a node cannot import pan_keras; install the same version on all nodes"
        ) from error
    if version != pan_keras.__version__:
        raise UserError(
            f"{cluster.name}: has pan-keras {version}, and {pan_keras.__version__} is here; "
            "install the same version on all nodes"
        )


def _version() -> str:
    return pan_keras.__version__
