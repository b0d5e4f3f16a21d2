"""The place of a process among those of `TF_CONFIG`."""

import json
import os
import re
import socket
import time
from dataclasses import dataclass
from typing import Any

from pan_keras.errors import UserError

VARIABLE = "TF_CONFIG"
PORT = re.compile(r".:[0-9]{1,5}$")
PAUSE = 0.2  # seconds between two attempts to reach the others
PATIENCE = 5.0  # seconds for one attempt
# The chief is the first worker, if it is named apart.
JOBS = ("chief", "worker")
SHAPE = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class ClusterTask:
    """One of the processes that train together, as the environment variable `TF_CONFIG` says.

    Args:
        cluster: Job and addresses, `host:port`, of its processes; the chief's job first.
        job: Job of this process, `chief` or `worker`.
        index: Its number in the job.

    Example:
        >>> task = ClusterTask((("worker", ("node1:2222", "node2:2222")),), "worker", 1)
        >>> task.rank, task.processes, task.leader
        (1, 2, '/job:worker/task:0')
    """

    cluster: tuple[tuple[str, tuple[str, ...]], ...]
    job: str
    index: int

    @classmethod
    def of_environment(cls) -> "ClusterTask | None":
        """Reads `TF_CONFIG`.

        Returns:
            The task; None without the variable, or if it names a single process.

        Raises:
            UserError: If it is no JSON of that form, or names jobs other than chief and worker.
        """
        text = os.environ.get(VARIABLE, "").strip()
        if not text:
            return None
        try:
            found = _parsed(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(f"{VARIABLE}: {error}; write JSON such as {SHAPE}") from None
        return found if found is not None and found.processes > 1 else None

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of all processes, by rank."""
        return tuple(address for _, addresses in self.cluster for address in addresses)

    @property
    def processes(self) -> int:
        """The number of processes."""
        return len(self.addresses)

    @property
    def rank(self) -> int:
        """The number of this process among all of them."""
        before = [len(addresses) for job, addresses in self.cluster if job != self.job]
        return self.index + (sum(before) if self.job == "worker" else 0)

    @property
    def jobs(self) -> dict[str, int]:
        """The number of processes of each job."""
        return {job: len(addresses) for job, addresses in self.cluster}

    @property
    def leader(self) -> str:
        """TensorFlow's name of the process of rank 0."""
        return f"/job:{self.cluster[0][0]}/task:0"

    @property
    def name(self) -> str:
        """This process, for messages."""
        return f"worker {self.rank + 1} of {self.processes}"

    def wait_for_all(self, seconds: float) -> None:
        """Waits until every process of the cluster listens at its address.

        TensorFlow would wait for an hour without saying for whom.

        Args:
            seconds: Longest wait.

        Raises:
            UserError: If a process is not there in time, or the port of this one is taken.
        """
        end = time.monotonic() + seconds
        missing = [each for each in self.addresses if each != self.addresses[self.rank]]
        with self._listening():
            while True:
                missing = [each for each in missing if not _listens(each)]
                if not missing:
                    return
                if time.monotonic() > end:
                    raise UserError(
                        f"{self.name}: no worker answers at {', '.join(missing)} after {seconds:g} "
                        "s; start all of them, and check addresses and firewalls, or wait longer "
                        "with --worker-timeout"
                    )
                time.sleep(PAUSE)

    def _listening(self) -> socket.socket:
        own = self.addresses[self.rank]
        port = int(own.rpartition(":")[2])
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        try:
            return socket.create_server(
                ("", port), family=family, dualstack_ipv6=both, backlog=4 * self.processes
            )
        except OSError as error:
            raise UserError(
                f"{self.name}: cannot listen at {own} ({error.strerror}); is another training "
                "running there? End it, or name another port in TF_CONFIG"
            ) from error


def refuse_cluster(work: str) -> None:
    """Refuses work that one process does alone.

    Args:
        work: What is refused, as the subject of a sentence.

    Raises:
        UserError: If `TF_CONFIG` names several processes.

    Example:
        >>> refuse_cluster("an ablation")
    """
    if ClusterTask.of_environment() is not None:
        raise UserError(
            f"{work} is trained by one process, and {VARIABLE} names several; remove it from the "
            "environment"
        )


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE):
            return True
    except OSError:
        return False


def _parsed(table: Any) -> ClusterTask | None:
    jobs = table.get("cluster", {})
    if not jobs:
        return None
    unknown = [job for job in jobs if job not in JOBS]
    if unknown:
        raise ValueError(f"the job {unknown[0]!r} is neither chief nor worker")
    cluster = tuple((job, tuple(jobs[job])) for job in JOBS if jobs.get(job))
    task = ClusterTask(cluster, str(table["task"]["type"]), int(table["task"]["index"]))
    if not all(isinstance(each, str) and PORT.search(each) for each in task.addresses):
        raise ValueError("an address is not host:port")
    if len(set(task.addresses)) < task.processes:
        raise ValueError("an address is there twice")
    if not 0 <= task.index < task.jobs.get(task.job, 0):
        raise ValueError(f"there is no task {task.job} {task.index}")
    return task
