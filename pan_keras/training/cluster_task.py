"""The place of a process among those of `TF_CONFIG`."""

import json
import os
from dataclasses import dataclass
from typing import Any

from pan_keras.errors import UserError

VARIABLE = "TF_CONFIG"
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


def _parsed(table: Any) -> ClusterTask | None:
    jobs = table.get("cluster", {})
    if not jobs:
        return None
    unknown = [job for job in jobs if job not in JOBS]
    if unknown:
        raise ValueError(f"the job {unknown[0]!r} is neither chief nor worker")
    cluster = tuple((job, tuple(jobs[job])) for job in JOBS if jobs.get(job))
    task = ClusterTask(cluster, str(table["task"]["type"]), int(table["task"]["index"]))
    if not all(isinstance(address, str) and ":" in address for address in task.addresses):
        raise ValueError("an address is not host:port")
    if len(set(task.addresses)) < task.processes:
        raise ValueError("an address is there twice")
    if not 0 <= task.index < task.jobs.get(task.job, 0):
        raise ValueError(f"there is no task {task.job} {task.index}")
    return task
