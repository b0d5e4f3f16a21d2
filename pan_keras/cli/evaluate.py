"""`pan-keras evaluate`: the command line of `pan_keras.evaluation.evaluate`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pan_keras.cli.engine import check_engine, engine_options, opened_engine, workers_option
from pan_keras.cli.options import (
    batch_option,
    clips_option,
    crops_option,
    format_option,
    fuse_option,
    json_option,
    numbers,
    precision_option,
    root_option,
    split_option,
)
from pan_keras.cli.output import echo, import_tensorflow
from pan_keras.errors import UserError
from pan_keras.remote.addresses import is_remote
from pan_keras.remote.copies import is_copy

if TYPE_CHECKING:
    from pan_keras.inference.views import Crops, Fuse

MARKS = ("config.toml", "model.json")  # of a run and of a bundle


@click.command
@click.argument("paths", nargs=-1, required=True, metavar="RUN|BUNDLE... [DATA]")
@click.option(
    "--data", help="Card, folder or CSV to evaluate on; by default the data of the (first) run."
)
@root_option
@split_option
@crops_option
@clips_option
@fuse_option
@click.option(
    "--include-new",
    is_flag=True,
    help="Also evaluate clips added since the run began; by default they are only reported.",
)
@click.option(
    "--protocol",
    is_flag=True,
    help="Take split and views from the card of the published data set of RUN or BUNDLE, in "
    "place of --split, --crops and --clips.",
)
@click.option(
    "--folds",
    is_flag=True,
    help="Give the mean over the official folds of a data set; each RUN is of another fold.",
)
@click.option("--weights", help="Weight of each run in the fusion, such as 0.5,0.5.")
@precision_option
@format_option
@batch_option
@click.option(
    "--checkpoint",
    type=click.Choice(["kept", "last", "best"]),
    default="kept",
    show_default=True,
    help="Weights of a run: those of the kept epoch, of the last, or of the best on validation.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Output folder; by default `evaluation` in the run, if it is evaluated alone and on its "
    "own data.",
)
@click.option(
    "--timeline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="TRUTH.csv",
    help="Instead of clips: find the actions in long videos, and compare them with this file "
    "(columns video, start, end, label).",
)
@engine_options
@workers_option
@json_option
def evaluate(
    paths: tuple[str, ...],
    data: str | None,
    root: Path | None,
    split: str,
    crops: "Crops",
    clips: str,
    fuse: "Fuse",
    include_new: bool,
    protocol: bool,
    folds: bool,
    weights: str | None,
    precision: str | None,
    file_format: str | None,
    batch: int,
    checkpoint: str,
    output: Path | None,
    timeline: Path | None,
    engine: str,
    address: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Measure the accuracy of RUN, or of an exported BUNDLE, on held-out clips.

    Several are fused: their scores for a clip are averaged. The clips of a split are those that RUN
    recorded when it began, without any that one of the runs was trained on.

    RUN and BUNDLE may be addresses of copies in remote storage, such as s3://bucket/models/waves.

    A path after the first that is not a run folder, bundle or .keras file is DATA, as with --data.
    """
    runs, named = sort_paths(paths)
    if named is not None and data is not None:
        raise UserError(f"{named}: the data are given twice, here and with --data; remove one")
    if timeline is not None and (named or data or output or len(runs) > 1):
        raise UserError("--timeline takes one RUN or BUNDLE, and no DATA or --output")
    if folds and (named or data or timeline or weights or precision or file_format or include_new):
        raise UserError(
            "--folds takes runs alone, with --root, views and --output; remove the other arguments"
        )
    if engine == "ray" and timeline:
        raise UserError("--engine ray cannot be combined with --timeline")
    check_engine(engine, address, workers)
    import_tensorflow(click.get_current_context(), runs)
    if protocol:
        from pan_keras.evaluation.fold_scores import protocol_of

        benchmark = protocol_of(runs[0])
        split, crops, clips = benchmark.split, benchmark.crops, str(benchmark.views)
    if timeline is not None:
        from pan_keras.evaluation.timelines import evaluate_timelines

        options: dict[str, Any] = {"precision": precision, "file_format": file_format}
        scores = evaluate_timelines(runs[0], timeline, batch=batch, **options)
        echo(scores.to_json() if as_json else scores.to_text())
        return
    from pan_keras.evaluation import evaluate
    from pan_keras.evaluation.fold_scores import evaluate_folds, write_scores

    shared: dict[str, Any] = {
        "root": root,
        "split": split,
        "crops": crops,
        "clips": int(clips),
        "fuse": fuse,
        "batch": batch,
        "checkpoint": checkpoint,
        "progress": not as_json,
    }
    record = _record(runs[:1] if folds else runs, output, data or named)
    with _scorer(engine, address, workers, record) as scorer:
        if folds:
            means = evaluate_folds(runs, **shared, **scorer)
            if output is not None:
                write_scores(means, output)
            echo(json.dumps(means.to_json()) if as_json else means.to_text())
            return
        result = evaluate(
            runs,
            data or named,
            include_new=include_new,
            weights=None if weights is None else numbers(weights),
            precision=precision,
            file_format=file_format,
            output=output,
            **shared,
            **scorer,
        )
    echo(result.to_json() if as_json else result.to_text())


@contextmanager
def _scorer(
    engine: str, address: str | None, workers: int | None, record: Path | None
) -> Iterator[dict[str, Any]]:
    """Yields the argument `scorer`, if there is one; its record is removed if all went well."""
    with opened_engine(engine, address, workers) as cluster:
        if cluster is None:
            yield {}
            return
        from pan_keras.cluster import ScoringActors

        actors = ScoringActors(cluster, workers, record)
        yield {"scorer": actors}
        actors.finish()


def _record(runs: list[str], output: Path | None, data: str | None) -> Path | None:
    """Where the scores so far are kept: beside the result, if one is written."""
    if output is None and len(runs) == 1 and data is None and (Path(runs[0]) / MARKS[0]).is_file():
        output = Path(runs[0]) / "evaluation"
    return None if output is None else output / ".scores"


def sort_paths(paths: tuple[str, ...]) -> tuple[list[str], str | None]:
    """Separates runs and bundles from the data, by the file that each of them contains.

    Args:
        paths: Paths on the command line; the first is a run.

    Raises:
        UserError: If more than one path after the first is not a run.
    """
    runs = [
        path
        for position, path in enumerate(paths)
        if position == 0
        or Path(path).suffix == ".keras"
        or (is_copy(path) if is_remote(path) else any((Path(path) / n).is_file() for n in MARKS))
    ]
    others = [path for path in paths if path not in runs]
    if len(others) > 1:
        raise UserError(
            f"{others[1]}: not a run folder or bundle, and {others[0]} already is the data; "
            "give one source of data"
        )
    return runs, others[0] if others else None
