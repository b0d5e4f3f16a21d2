"""Evaluates a classifier, or several fused ones, on held-out clips."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.evaluation.clips import measured_clips
from pan_keras.evaluation.origin import Origin
from pan_keras.evaluation.results import ClipResult, Evaluation
from pan_keras.files import refuse_overwriting
from pan_keras.inference.classifier import Classifier
from pan_keras.inference.opening import Source, open_classifier
from pan_keras.inference.views import (
    Crops,
    Fuse,
    MakeScorer,
    VideoScorer,
    ViewClassifier,
    probabilities,
)
from pan_keras.metrics import Confidence, confused_pairs, score
from pan_keras.remote.addresses import address_of

TABLES = ("_confusion.csv", "_per_class.csv", "_clips.csv")  # data files may have such names
WORST = 10  # length of the list of worst clips


def evaluate(
    models: "Source | Sequence[Source]",
    data: str | Path | None = None,
    *,
    root: Path | None = None,
    split: str = "test",
    crops: Crops = "1",
    clips: int = 1,
    weights: Sequence[float] | None = None,
    batch: int = 8,
    output: Path | None = None,
    progress: bool = True,
    precision: str | None = None,
    file_format: str | None = None,
    checkpoint: str = "kept",
    fuse: Fuse = "logits",
    include_new: bool = False,
    scorer: MakeScorer = ViewClassifier,
) -> Evaluation:
    """Evaluates a model, or several with averaged scores, on one split of the data.

    The score of a clip is the mean over its views and, for several models, their weighted mean, as
    in `pan_keras.runs.combining.combine`. The models may differ in segments, frames and size; each
    samples the clips in its own way.

    The record of the (first) run assigns clips to splits. Clips that any of the runs was trained on
    are not test clips.

    Args:
        models: A run folder, a bundle, a Keras model or a classifier from `open_classifier`; or
            several with the same classes.
        data: Card, folder or CSV; by default the data of the (first) run.
        root: Folder of the videos of a card; by default the run's, for its own data.
        split: `train`, `val`, `test`, or `all`.
        crops: Views in space: `"1"`, `"3"` or `"full"`.
        clips: Views in time: 1, 2 or 10.
        weights: Weight of each run in the fusion; equal by default.
        batch: Views per call of a Keras model.
        output: Folder for the files; by default `evaluation` in the run if a single run is
            evaluated on its own data, else nothing is written.
        progress: Whether to show a bar on a terminal.
        precision: Precision of a bundle's model file; the first by default.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first by default.
        checkpoint: Model of a run: `"kept"`, the one that training chose, or `"last"`, the weights
            of its last epoch, whose files go to `evaluation/last`.
        fuse: What is averaged over views and runs: `"logits"`, as in the authors' code, or
            `"probabilities"`.
        include_new: Whether to include clips added since the run began.
        scorer: Makes what scores the clips, such as `pan_keras.cluster.ScoringActors`; by default
            in this process.

    Returns:
        Accuracy with 95 % intervals, per class and per clip.

    Raises:
        UserError: If the runs differ in classes, the data have other classes or no clip of the
            split, a run was trained on test clips, or no clip can be read.

    Example:
        >>> evaluate("runs/demo").top1
        0.97
    """
    sources = list(models) if isinstance(models, (list, tuple)) else [models]
    if output is not None and data is not None:
        for ending in TABLES:
            refuse_overwriting(data, Path(output).glob(f"{split}*{ending}"))
    opened = [
        open_classifier(
            source, precision=precision, file_format=file_format, checkpoint=checkpoint, batch=batch
        )
        for source in sources
    ]
    shares = _shares(weights, opened)
    _check_labels(opened)
    origins = [Origin.of(classifier) for classifier in opened]
    measured = measured_clips(origins, data, root, split, include_new)
    chosen = measured.clips
    classifiers = [scorer(classifier, crops, clips, fuse) for classifier in opened]
    start = time.perf_counter()
    fused, broken = _fused(classifiers, shares, chosen, progress)
    seconds = time.perf_counter() - start
    skipped = measured.skipped | broken
    if not fused:
        raise UserError(
            f"{measured.source}: no clip of {split} could be read; check the data ({skipped})"
        )
    # The calibration of a run does not apply to a fusion.
    confidence = opened[0].confidence if len(opened) == 1 else Confidence()
    evaluation = _evaluation(
        measured.labels,
        [chosen[position] for position in fused],
        probabilities(np.stack(list(fused.values())), fuse, confidence),
        runs=tuple(str(classifier.path) for classifier in opened),
        weights=tuple(shares),
        data=str(data or origins[0].data.source),
        split=split,
        crops=crops,
        temporal_clips=clips,
        fuse=fuse,
        includes_new=include_new,
        notes=measured.notes,
        data_digest=measured.digest,
        skipped=len(skipped),
        skipped_files=tuple({"path": str(path), "reason": why} for path, why in skipped.items()),
        seconds=round(seconds, 3),
        clips_per_second=round(len(fused) / seconds, 3),
    )
    # Nothing is written into bundles, which stay as exported, and copies in remote storage.
    own = len(origins) == 1 and origins[0].is_run and origins[0].owns(data)
    if output is None and own and address_of(origins[0].path) is None:
        output = origins[0].path / "evaluation"
        if checkpoint != "kept":
            output /= checkpoint
    if output is not None:
        evaluation.write(output)
    return evaluation


def _evaluation(
    labels: Sequence[str], clips: Sequence[Clip], found: np.ndarray, **facts: Any
) -> Evaluation:
    truth = np.array([clip.label for clip in clips])
    scores = score(found, truth, labels)
    results = tuple(
        ClipResult(
            path=str(clip.path),
            truth=labels[clip.label],
            predicted=labels[row.argmax()],
            probability=float(row.max()),
            truth_probability=float(row[clip.label]),
        )
        for clip, row in zip(clips, found, strict=True)
    )
    return Evaluation(
        classes=tuple(labels),
        clips=len(clips),
        top1=scores.top1,
        top5=scores.top5,
        mean_class=scores.mean_class,
        intervals=scores.intervals,
        per_class=scores.per_class,
        confusion=scores.confusion.tolist(),
        confused_pairs=confused_pairs(scores.confusion, labels),
        worst_clips=tuple(sorted(results, key=lambda clip: clip.truth_probability)[:WORST]),
        results=results,
        **facts,
    )


def _shares(weights: Sequence[float] | None, models: Sequence[Classifier]) -> list[float]:
    if weights is None:
        weights = [1.0] * len(models)
    if len(weights) != len(models):
        raise UserError(f"{len(weights)} weights for {len(models)} runs; give one weight per run")
    if min(weights) < 0 or not 0 < sum(weights) < float("inf"):
        raise UserError(f"weights {list(weights)}: give numbers of 0 or more, one of them above 0")
    return [weight / sum(weights) for weight in weights]


def _check_labels(models: Sequence[Classifier]) -> None:
    first, *others = models
    for other in others:
        if other.labels != first.labels:
            raise UserError(
                f"{other.path}: its labels differ from those of {first.path}; "
                "fuse runs with the same classes in the same order"
            )


def _fused(
    classifiers: Sequence[VideoScorer],
    shares: Sequence[float],
    clips: Sequence[Clip],
    progress: bool,
) -> tuple[dict[int, np.ndarray], dict[Path, str]]:
    paths = [clip.path for clip in clips]
    console = Console(stderr=True)
    columns = (TextColumn("views"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    fused: dict[int, np.ndarray] = {}
    broken: dict[Path, str] = {}
    with Progress(*columns, console=console, disable=not (progress and console.is_terminal)) as bar:
        task = bar.add_task("", total=len(clips) * sum(each.views for each in classifiers))
        for number, (classify, share) in enumerate(zip(classifiers, shares, strict=True)):
            found: dict[int, np.ndarray] = {}
            answers = classify(paths, lambda views: bar.advance(task, views))
            for place, answer in enumerate(answers):
                if answer.scores is None:
                    broken[answer.path] = answer.error or ""
                else:
                    found[place] = answer.scores
            earlier = fused if number else dict.fromkeys(found, 0.0)
            # A clip that one run could not read is left out of the fusion.
            fused = {row: earlier[row] + share * found[row] for row in found if row in earlier}
    return fused, broken
