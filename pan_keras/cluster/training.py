"""Trains a model with the workers that Ray starts, and starts again when one is lost."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pan_keras.cluster.connection import TICK, Cluster, end_tasks, result
from pan_keras.errors import Interrupted, UserError
from pan_keras.files import replacing
from pan_keras.runs.new_run import refuse_taken
from pan_keras.runs.run import open_run

START = "600"  # seconds in which workers must have started, or there is another attempt
FAULT = "fault.json"


def train_on_cluster(
    cluster: Cluster,
    run: Path | str,
    *,
    workers: int,
    restarts: int = 3,
    resume: bool = False,
    tell: Callable[[str], None] = print,
    **arguments: Any,
) -> None:
    """Trains a model on workers of a cluster, as `pan_keras.training.train` with `TF_CONFIG`.

    When a worker is lost, all are started again, and continue from the newest checkpoint. On CPUs
    the result is then bit for bit that of a training that lost none. A worker has a processor, or a
    GPU if there are enough of them.

    Args:
        cluster: The cluster, whose nodes see the data and the run under the same paths.
        run: The run folder.
        workers: Number of workers.
        restarts: How often the workers are started again.
        resume: Whether to resume the run; if not, it is a new one.
        tell: Called with a line per epoch.
        arguments: Those of `pan_keras.training.train`, or of `resume`.

    Raises:
        UserError: If there are fewer processors, or the training fails, also after all restarts.
        Interrupted: After Ctrl-C or SIGTERM; checkpoints are kept, and resuming continues.

    Example:
        >>> with connect() as cluster:
        ...     train_on_cluster(cluster, "runs/a", workers=2, source="videos")
    """
    if workers > cluster.processors:
        raise UserError(
            f"--workers {workers}: {cluster.name} has {cluster.processors} processors, and each "
            "worker needs one; give fewer"
        )
    run = Path(os.path.abspath(run))  # noqa: PTH100 (keeps links)
    if resume:
        open_run(run)
    else:
        refuse_taken(run)
    run.parent.mkdir(parents=True, exist_ok=True)
    # Ray keeps its state where all nodes see it, as the run.
    state = Path(tempfile.mkdtemp(prefix=f".{run.name}-", dir=run.parent))
    settings = {"run": str(run), "state": str(state), "resume": resume, "arguments": arguments}
    try:
        _fit(cluster, settings, workers, restarts, tell)
        if (state / FAULT).is_file():
            raise UserError(json.loads((state / FAULT).read_text(encoding="utf-8")))
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _fit(
    cluster: Cluster,
    settings: dict[str, Any],
    workers: int,
    restarts: int,
    tell: Callable[[str], None],
) -> None:
    """Runs Ray Train in a task, while this process handles signals and tells of epochs."""
    import ray  # noqa: PLC0415 (optional)

    # Not in a thread: Ray ends the process of a thread that still waits when the connection closes.
    task = ray.remote(num_cpus=0, max_retries=-1, retry_exceptions=False)(_run_trainer)
    reference = task.remote(settings, workers, restarts)
    run, told = Path(settings["run"]), _rows(Path(settings["run"]))
    ended = False
    try:
        while not ended:
            ended = bool(ray.wait([reference], timeout=TICK)[0])
            if cluster.stopped is not None:
                raise Interrupted(f"{run}: stopped; --resume continues", cluster.stopped)
            told = _tell_of_epochs(run, told, tell)
        result(reference)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{run}: the training on {cluster.name} failed after {restarts} restarts "
            f"({_in_short(error)}); correct it, and continue with --resume"
        ) from error
    finally:
        if not ended:
            end_tasks([reference])


def _run_trainer(settings: dict[str, Any], workers: int, restarts: int) -> None:
    """A task, whose workers end with it."""
    os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", START)
    import ray  # noqa: PLC0415 (optional)
    from ray.train import FailureConfig, RunConfig, ScalingConfig  # noqa: PLC0415
    from ray.train.tensorflow import TensorflowTrainer  # noqa: PLC0415

    gpus = ray.cluster_resources().get("GPU", 0) >= workers
    TensorflowTrainer(
        _train,
        train_loop_config=settings,
        scaling_config=ScalingConfig(
            num_workers=workers,
            use_gpu=gpus,
            resources_per_worker={"CPU": 1, "GPU": 1} if gpus else {"CPU": 1},
            placement_strategy="PACK" if gpus else "SPREAD",
        ),
        run_config=RunConfig(
            name="ray",
            storage_path=settings["state"],
            failure_config=FailureConfig(max_failures=restarts),
        ),
    ).fit()


def _train(settings: dict[str, Any]) -> None:
    """A worker; Ray has set its `TF_CONFIG`."""
    os.environ.pop("TF_USE_LEGACY_KERAS", None)  # of Ray, for Keras 2
    from pan_keras import training  # noqa: PLC0415 (TensorFlow)
    from pan_keras.reports.training_pictures import TrainingPictures  # noqa: PLC0415
    from pan_keras.training.cluster_task import ClusterTask  # noqa: PLC0415
    from pan_keras.training.replicas import LostWorkerError  # noqa: PLC0415

    run = Path(settings["run"])
    options: dict[str, Any] = {"run": run, "callbacks": [TrainingPictures()], "quiet": True}
    arguments = settings["arguments"]
    try:
        if settings["resume"] or (run / "config.toml").is_file():
            known = {name: arguments[name] for name in RESUMING if name in arguments}
            training.resume(**known, **options)
        else:
            training.train(**arguments, **options)
    except LostWorkerError:
        raise  # which Ray answers by starting all again
    except UserError as error:
        task = ClusterTask.of_environment()
        if task is None or task.rank == 0:
            with replacing(Path(settings["state"]) / FAULT) as temporary:
                temporary.write_text(json.dumps(str(error)), encoding="utf-8")


RESUMING = ("root", "other_workers", "wait")  # arguments of `resume`, also after a restart


def _rows(run: Path) -> int:
    """Epochs in the metrics of a run."""
    try:
        return len((run / "metrics.csv").read_text(encoding="utf-8").splitlines()[1:])
    except OSError:
        return 0


def _tell_of_epochs(run: Path, told: int, tell: Callable[[str], None]) -> int:
    """Tells of the epochs that have ended since, and returns how many have."""
    ended = _rows(run)
    if ended > told:
        time.sleep(TICK)  # until the row is complete
        for row in open_run(run).metrics()[told:]:
            figures = [f"loss {row['loss']:.4f}"] if "loss" in row else []
            if "val_accuracy" in row:
                figures.append(f"validation accuracy {row['val_accuracy']:.1%}")
            tell(f"epoch {int(row['epoch'])}: {', '.join(figures)}")
    return max(ended, told)


def _in_short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
