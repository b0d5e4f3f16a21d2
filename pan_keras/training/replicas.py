"""The workers that train one model together: devices of this machine, or processes of a cluster."""

import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import count
from typing import Any

import tensorflow as tf

# What TensorFlow exports has neither time limits of the cluster nor messages between processes.
from tensorflow.python.eager import context as runtime

from pan_keras.config.config import Config
from pan_keras.errors import Interrupted, UserError
from pan_keras.training.cluster_task import ClusterTask

WAIT = 1800.0  # seconds
ALONE = {"replicas": 1, "processes": 1}  # a training without workers
SILENT = 30.0  # seconds without a sign of life after which a process counts as dead
POLL = 1.0  # seconds between two looks for a message
# Raised in a process whose peer has ended, is silent, or is too late.
PEER_ERRORS = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)


class LostWorkerError(UserError):
    """Another worker has ended or does not answer; all of them can be started again."""


class Replicas:
    """The replicas of a model that are trained together, and the process that this one is of them.

    Several processes exchange short messages: the first of them, the chief, tells the others which
    run to train and what an epoch gave. Every wait for another process ends after `wait` seconds,
    or earlier if that process is dead.

    Args:
        strategy: Distributes the work; None for one replica.
        rank: Number of this process; 0 is the chief.
        processes: Number of processes.
        wait: Longest time in seconds to wait for another process.

    Attributes:
        count: Number of replicas, over all processes.

    Example:
        >>> replicas = Replicas()
        >>> replicas.count, replicas.is_chief
        (1, True)
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy | None = None,
        rank: int = 0,
        processes: int = 1,
        wait: float = WAIT,
    ):
        self.strategy = strategy
        self.rank = rank
        self.processes = processes
        self.wait = wait
        self.count = 1 if strategy is None else strategy.num_replicas_in_sync
        self._numbers = count()
        self._told = False
        self._sum = tf.function(self._sum_flags)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run."""
        return self.rank == 0

    @property
    def world(self) -> dict[str, int]:
        """What bit-identical results depend on: numbers of replicas and of processes."""
        return {"replicas": self.count, "processes": self.processes}

    def scope(self) -> AbstractContextManager:
        """The scope in which models and optimizers are made; all processes make the same."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Tells for each flag whether it is set in any of the processes, which all call this.

        Args:
            flags: The flags of this process.
        """
        if self.processes == 1:
            return flags
        return tuple(bool(total) for total in self._sum(tf.constant(flags, tf.int32)).numpy())

    def share(self, message: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Gives the message of the chief to all processes, each of which calls this.

        Args:
            message: The chief's message, serialisable as JSON; of others, it is ignored. A message
                `{"error": sentence}` raises its sentence as a `UserError` in the others.

        Returns:
            The chief's message.

        Raises:
            UserError: If there is no message in time, or the chief told of an error.
        """
        if self.processes == 1:
            return dict(message or {})
        key = f"pan_keras/message/{next(self._numbers)}"
        self._told = True
        if self.is_chief:
            with self.reporting():
                runtime.context().set_config_key_value(key, json.dumps(message))
            return dict(message or {})
        received = json.loads(self._message(key))
        if "error" in received:
            raise UserError(f"{self.name}: the first worker stopped: {received['error']}")
        return received

    def meet(self) -> None:
        """Waits until all processes are here.

        Raises:
            UserError: If one is not here in time.
        """
        if self.processes > 1:
            place = f"pan_keras/meeting/{next(self._numbers)}"
            with self.reporting():
                runtime.context().wait_at_barrier(place, int(self.wait * 1000))
            self._answer_all(place)

    def _answer_all(self, place: str) -> None:
        """Keeps the chief, whose process answers the others, until they have their answers."""
        with suppress(*PEER_ERRORS, tf.errors.NotFoundError):
            if not self.is_chief:
                runtime.context().set_config_key_value(f"{place}/{self.rank}", "here")
                return
            for rank in range(1, self.processes):
                runtime.context().get_config_key_value(f"{place}/{rank}", int(SILENT * 1000))

    @property
    def name(self) -> str:
        """This process, for messages."""
        return f"worker {self.rank + 1} of {self.processes}"

    @contextmanager
    def together(self) -> Iterator[None]:
        """Ends the other processes' waits with an error if the block fails in this one."""
        self._told = False
        try:
            with self.reporting():
                yield
        except Interrupted:
            raise  # all of them stop
        except BaseException as error:
            if self.processes > 1:
                with suppress(tf.errors.OpError, UserError):
                    self._tell_of(error)
            raise

    def _tell_of(self, error: BaseException) -> None:
        if self.is_chief and not self._told and isinstance(error, UserError):
            self.share({"error": str(error)})
        else:
            runtime.context().report_error_to_cluster(
                tf.errors.UNAVAILABLE, f"{self.name} stopped: {type(error).__name__}"
            )

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turns TensorFlow's error about another process into a `UserError`."""
        try:
            yield
        except PEER_ERRORS as error:
            if self.processes == 1:
                raise
            raise LostWorkerError(self._lost(error)) from error

    def _lost(self, error: tf.errors.OpError) -> str:
        late = isinstance(error, tf.errors.DeadlineExceededError)
        fault = f"did not answer for {self.wait:g} s" if late else "ended or does not answer"
        return (
            f"{self.name}: another worker {fault}, so this one stops; start all of them again with "
            "--resume"
        )

    def _message(self, key: str) -> str:
        """Waits for a message in short calls, so that signals are handled in between."""
        end = time.monotonic() + self.wait
        while True:
            try:
                return runtime.context().get_config_key_value(key, int(POLL * 1000))
            except (tf.errors.DeadlineExceededError, tf.errors.NotFoundError) as error:
                if time.monotonic() > end:
                    raise LostWorkerError(self._lost(error)) from None
            except PEER_ERRORS as error:
                raise LostWorkerError(self._lost(error)) from None

    def _sum_flags(self, flags: tf.Tensor) -> tf.Tensor:
        assert self.strategy is not None
        sums = self.strategy.run(_sum_over_replicas, (flags,))
        return self.strategy.experimental_local_results(sums)[0]


def _sum_over_replicas(flags: tf.Tensor) -> tf.Tensor:
    # The copy is on the device of the replica, which the sum needs.
    return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(flags))


def start_replicas(workers: int | None = None, wait: float = WAIT) -> Replicas:
    """Starts the workers that train together; to be called before TensorFlow is used otherwise.

    With `TF_CONFIG` in the environment, this process is one of a cluster, and waits for the others
    to start. Each process has one replica per GPU, or one on its CPU. Without it, the workers are
    devices of this machine: GPUs, or, on a machine without, parts of the CPU.

    Args:
        workers: Number of workers; by default the processes of `TF_CONFIG`, or one.
        wait: Longest time in seconds to wait for another process, here and in training.

    Returns:
        The workers. Further calls with the same arguments return the same ones.

    Raises:
        UserError: If `TF_CONFIG` is wrong or names another number of workers, there are too few
            GPUs, TensorFlow is in use already, or a process is not there in time.

    Example:
        >>> replicas = start_replicas(2)
        >>> replicas.count, replicas.processes
        (2, 1)
    """
    task = ClusterTask.of_environment()
    if task is not None and workers is not None and workers != task.processes:
        raise UserError(
            f"--workers is {workers}, but TF_CONFIG names {task.processes} processes; remove "
            "--workers, or give the number of processes"
        )
    if task is None and (workers is None or workers == 1):
        return Replicas()
    wanted = (task, workers)
    if _started and _started[0][0] != wanted:
        raise UserError(
            "workers: this Python process trains with other workers already; start a new one"
        )
    if not _started:
        try:
            made = _local(workers or 1) if task is None else _in_cluster(task, wait)
        except RuntimeError as error:
            if isinstance(error, UserError):
                raise
            raise UserError(
                "workers: TensorFlow is in use in this Python process already, and workers are "
                "started before; start a new one, and train first"
            ) from error
        _started.append((wanted, made))
    return _started[0][1]


def check_workers(config: Config, replicas: Replicas) -> None:
    """Checks that the batches of a configuration can be divided among workers.

    Args:
        config: The configuration.
        replicas: The workers.

    Raises:
        UserError: If the batch is not divisible, or a setting is for one worker only.
    """
    training = config.training
    parts = replicas.count * training.accumulate
    if training.batch % parts:
        times = (
            f" times training.accumulate, {training.accumulate}," if parts > replicas.count else ""
        )
        raise UserError(
            f"training.batch is {training.batch}, which {replicas.count} replicas{times} do not "
            f"divide into equal parts; set it to a multiple of {parts}"
        )
    if replicas.strategy is not None and training.jit:
        raise UserError(
            "training.jit compiles the step of a single worker; set it to false, or train with one"
        )


def world_text(world: Mapping[str, int]) -> str:
    """The numbers of replicas and processes as words.

    Args:
        world: `Replicas.world`.

    Example:
        >>> world_text({"replicas": 4, "processes": 2})
        '4 replicas in 2 processes'
    """
    return " in ".join(
        f"{number} {name if number > 1 else singular}"
        for name, singular, number in (
            ("replicas", "replica", world["replicas"]),
            ("processes", "process", world["processes"]),
        )
    )


# TensorFlow can be configured once in a process.
_started: list[tuple[Any, Replicas]] = []


def _local(workers: int) -> Replicas:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and len(gpus) < workers:
        raise UserError(
            f"--workers is {workers}, but this machine has {len(gpus)} GPUs; give fewer workers, "
            "or start processes on several machines with TF_CONFIG"
        )
    if not gpus:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(workers)]
        tf.config.set_logical_device_configuration(cpu, parts)
        # Later changes are refused only once devices are in use.
        tf.config.list_logical_devices()
    kind = "GPU" if gpus else "CPU"
    return Replicas(tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(workers)]))


def _in_cluster(task: ClusterTask, wait: float) -> Replicas:
    # NCCL, which is for GPUs only, is chosen by itself.
    kinds = tf.distribute.experimental.CommunicationImplementation
    gpus = tf.config.list_physical_devices("GPU")
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=kinds.AUTO if gpus else kinds.RING, timeout_seconds=wait
    )
    jobs = [
        runtime.coordination_config_pb2.CoordinatedJob(name=job, num_tasks=number)
        for job, number in task.jobs.items()
    ]
    runtime.context().configure_coordination_service(
        service_type="standalone",
        service_leader=task.leader,
        cluster_register_timeout_in_ms=int(wait * 1000),
        heartbeat_timeout_in_ms=int(SILENT * 1000),
        coordinated_jobs=jobs,
    )
    task.wait_for_all(wait)
    try:
        with _interruptible():
            strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    except (*PEER_ERRORS, tf.errors.UnknownError) as error:
        raise UserError(
            f"{task.name}: the workers at {', '.join(task.addresses)} do not come together "
            f"({type(error).__name__}); start all of them again"
        ) from error
    return Replicas(strategy, task.rank, task.processes, wait)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets Ctrl-C end the process while TensorFlow waits, which Python's handler does not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.getsignal(signal.SIGINT)
    if earlier is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
