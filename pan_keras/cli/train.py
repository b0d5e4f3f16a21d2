"""`pan-keras train`: the command line of `pan_keras.training`."""

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pan_keras.cli.engine import check_engine, engine_options, opened_engine
from pan_keras.cli.options import COUNT, fold_option, json_option, overrides_option, root_option
from pan_keras.cli.output import TensorFlowCommand, echo, tell
from pan_keras.errors import UserError

if TYPE_CHECKING:
    from pan_keras.cluster import Cluster
    from pan_keras.training import TrainingResult
    from pan_keras.training.cluster_task import ClusterTask


@click.command(cls=TensorFlowCommand)
@click.argument("data", required=False)
@root_option
@click.option("--model", help="Network, such as pan_lite_micro or pan_lite_resnet18.")
@click.option("--config", help="TOML file, or the name of a shipped recipe: small or paper.")
@click.option(
    "--preset",
    metavar="NAME",
    help="fast, balanced or accurate: how much time the settings chosen from the data may take. "
    "Replaces a data set card's own settings.",
)
@overrides_option
@fold_option
@click.option(
    "--folds",
    type=int,
    help="Cross-validate with this many folds: a run for each, mean and interval at the end.",
)
@click.option(
    "--groups",
    metavar="COLUMN",
    help="Column of the CSV, such as person, whose values are not divided over folds; without "
    "--folds each value is a fold.",
)
@click.option(
    "--tune",
    is_flag=True,
    help="Search for better settings on the validation clips, or by --folds and --groups.",
)
@click.option("--trials", type=COUNT, default=8, show_default=True, help="Trials of --tune.")
@click.option("--run", type=click.Path(path_type=Path), help="Run folder to write.")
@click.option(
    "--copy-to",
    metavar="ADDRESS",
    help="Copy the finished run to remote storage, such as s3://bucket/runs/waves.",
)
@click.option("--jit", is_flag=True, help="Compile the training step with XLA.")
@click.option("--resume", is_flag=True, help="Resume --run, or the latest run.")
@click.option(
    "--workers",
    type=COUNT,
    help="Train on this many GPUs of this machine, or, without a GPU, parts of its CPU. With "
    "TF_CONFIG in the environment, each of its processes is a worker.",
)
@click.option(
    "--other-workers", is_flag=True, help="Let --resume continue with other numbers of workers."
)
@click.option(
    "--worker-timeout",
    type=click.FloatRange(1, 1e6),
    default=1800.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for another process of TF_CONFIG, such as for its start.",
)
@engine_options
@click.option(
    "--restarts",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="With --engine ray: how often the workers are started again after one is lost.",
)
@json_option
def train(
    data: str | None,
    root: Path | None,
    model: str | None,
    config: str | None,
    preset: str | None,
    overrides: tuple[str, ...],
    fold: int | None,
    folds: int | None,
    groups: str | None,
    tune: bool,
    trials: int,
    run: Path | None,
    copy_to: str | None,
    jit: bool,
    resume: bool,
    workers: int | None,
    other_workers: bool,
    worker_timeout: float,
    engine: str,
    address: str | None,
    restarts: int,
    as_json: bool,
):
    """Train a model on DATA: a folder of class folders, a CSV, or a data set card.

    Without DATA, the embedded data set `motions` is made and used. Settings that you do not choose
    are chosen from the clips, printed, and written to the run. This may download ImageNet weights
    from Keras, which is announced; --set model.weights=none trains from random weights. At the end,
    the probabilities are calibrated on the validation clips.
    """
    crossed = folds is not None or groups is not None
    if crossed and fold is not None:
        raise UserError(
            "--fold is an official fold, and --folds and --groups draw others; remove one"
        )
    overrides = overrides if fold is None else (*overrides, f"data.fold={fold}")
    if resume and (data or model or config or preset or overrides or jit or crossed or tune):
        raise UserError(
            "--resume continues with the settings of the run; remove the other arguments "
            "(--run and --root may stay)"
        )
    check_engine(engine, address)
    _check_worker_options(engine, run, workers, crossed or tune, other_workers and not resume)
    _check_target(copy_to)
    # TensorFlow takes seconds to import.
    from pan_keras import evaluation, training
    from pan_keras.evaluation.cross_validation import is_cross_validation
    from pan_keras.evaluation.tuning import is_tuning
    from pan_keras.reports.training_pictures import TrainingPictures
    from pan_keras.training.cluster_task import ClusterTask

    task = ClusterTask.of_environment()
    callbacks = [TrainingPictures()]
    settings: dict[str, Any] = {
        "root": root,
        "model": model,
        "config": config,
        "preset": preset,
        "overrides": (*overrides, "training.jit=true") if jit else overrides,
        "run": run,
        "callbacks": callbacks,
        "quiet": as_json,
    }
    again: dict[str, Any] = {"callbacks": callbacks, "quiet": as_json}
    several: Any = None
    repeated = run is not None and (is_tuning(run) or is_cross_validation(run))
    if tune or crossed or repeated:
        _check_options_of_several(task, workers, copy_to)
    if resume and run is not None and is_tuning(run):
        several = evaluation.resume_tuning(run, tell=tell, **again)
    elif resume and run is not None and is_cross_validation(run):
        several = evaluation.resume_folds(run, tell=tell, **again)
    elif tune:
        several = evaluation.tune(
            data, trials=trials, folds=folds, groups=groups, tell=tell, **settings
        )
    elif crossed:
        several = evaluation.cross_validate(data, folds=folds, groups=groups, tell=tell, **settings)
    if several is not None:
        echo(json.dumps(several.to_json()) if as_json else several.to_markdown())
        return
    together: dict[str, Any] = {"workers": workers, "wait": worker_timeout}
    if engine == "ray":
        given: dict[str, Any] = {"source": data, **settings} if not resume else {"root": root}
        given |= {"other_workers": True} if other_workers else {}
        with opened_engine(engine, address, workers) as cluster:
            result = _train_on_ray(cluster, run, workers, restarts, resume, given | together)
    elif resume:
        result = training.resume(run, root=root, other_workers=other_workers, **again, **together)
    else:
        result = training.train(data, **settings, **together)
    if task is not None and task.rank > 0:
        return  # the first worker copies and prints
    _print(result, _copied(result.run.path, copy_to), as_json)


def _check_worker_options(
    engine: str, run: Path | None, workers: int | None, several: bool, others: bool
) -> None:
    if others:
        raise UserError("--other-workers is for a run that is resumed; add --resume, or remove it")
    if engine == "ray" and (run is None or workers is None or several):
        raise UserError(
            "--engine ray trains one run with several workers; give --run and --workers, and "
            "remove --folds, --groups and --tune"
        )


def _check_target(copy_to: str | None) -> None:
    if copy_to is not None:
        from pan_keras.runs.copying import check_target

        check_target(copy_to)


def _check_options_of_several(
    task: "ClusterTask | None", workers: int | None, copy_to: str | None
) -> None:
    if task is not None or workers is not None:
        raise UserError(
            "several runs, of --folds, --groups or --tune, are trained without workers; remove "
            f"{'--workers' if task is None else 'TF_CONFIG from the environment'}"
        )
    if copy_to is not None:
        raise UserError("--copy-to copies a single run; copy each of several with pan-keras copy")


def _train_on_ray(
    cluster: "Cluster | None",
    run: Path | None,
    workers: int | None,
    restarts: int,
    resume: bool,
    arguments: dict[str, Any],
) -> "TrainingResult":
    from pan_keras.cluster import train_on_cluster
    from pan_keras.runs import open_run
    from pan_keras.training import TrainingResult

    assert cluster is not None
    assert run is not None
    assert workers is not None
    for name in ("run", "callbacks", "quiet", "workers"):
        arguments.pop(name, None)
    # Workers have other working folders.
    for name in ("source", "root", "config"):
        if arguments.get(name) is not None and Path(arguments[name]).exists():
            arguments[name] = str(Path(arguments[name]).absolute())
    start = time.perf_counter()
    train_on_cluster(
        cluster, run, workers=workers, restarts=restarts, resume=resume, tell=tell, **arguments
    )
    trained = open_run(run)
    return TrainingResult(trained, trained.metrics(), time.perf_counter() - start)


def _copied(run: Path, address: str | None) -> str | None:
    from pan_keras.runs.copying import copy_model

    try:
        return address and copy_model(run, address)
    except UserError as error:
        raise UserError(
            f"{error}; the run is complete: pan-keras copy {shlex.quote(str(run))} ADDRESS"
        ) from error


def _print(result: "TrainingResult", copy_to: str | None, as_json: bool) -> None:
    from pan_keras.runs.training_record import kept_text

    if as_json:
        copied = {} if copy_to is None else {"copy": copy_to}
        echo(json.dumps(result.to_json() | copied))
        return
    kept = "" if result.run.kept is None else f"{kept_text(result.run.kept)}, "
    echo(f"{result.run.path}: {kept}{result.seconds / 60:.1f} minutes")
    if copy_to is not None:
        echo(f"copied to {copy_to}")
    published = result.run.card is not None and result.run.card.benchmark is not None
    echo(f"next: pan-keras evaluate {result.run.path}{' --protocol' if published else ''}")
