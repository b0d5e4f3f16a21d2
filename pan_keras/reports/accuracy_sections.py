"""Accuracy sections of a run's page: headline figures, confusions, classes."""

from pathlib import Path

import numpy as np

from pan_keras.drawing import figures
from pan_keras.errors import UserError
from pan_keras.evaluation.clips import results_by_clip
from pan_keras.evaluation.origin import Origin
from pan_keras.evaluation.results import Evaluation, stored_evaluations
from pan_keras.metrics import Interval
from pan_keras.reports.html import Html, columns, element, folded, section, table
from pan_keras.runs.run import Run


def headline(run: Run, evaluation: Evaluation | None, baseline: Run | None) -> Html:
    """Renders the accuracy in large figures, next to that of a baseline.

    Args:
        run: The run.
        evaluation: Its evaluation; None if there is none.
        baseline: Another run, evaluated on the same clips.

    Raises:
        UserError: If the baseline was evaluated on other clips, or not at all.
    """
    if evaluation is None:
        text = f"Not evaluated yet: pan-keras evaluate {run.path} measures the accuracy."
        return element("section", element("p", text))
    names = {"top1": "top-1 accuracy", "mean_class": "mean class accuracy"}
    if len(evaluation.classes) > 5:
        names["top5"] = "top-5 accuracy"
    tiles = [
        _tile(getattr(evaluation, key), evaluation.intervals[key], name)
        for key, name in names.items()
    ]
    if baseline is not None:
        measured = _of_the_same_clips(baseline, run, evaluation)
        name = f"top-1 of the baseline {baseline.config.model.name}"
        tiles.append(_tile(measured.top1, measured.intervals["top1"], name, "tile baseline"))
    notes = [
        f"The ranges are 95 % intervals. Chance is {1 / len(evaluation.classes):.1%}.",
        *evaluation.notes,
    ]
    return element(
        "section",
        element("div", tiles, class_="tiles"),
        [element("p", note, class_="note") for note in notes],
    )


def _of_the_same_clips(baseline: Run, run: Run, evaluation: Evaluation) -> Evaluation:
    """Finds the baseline's evaluation on the same clips, preferably with the same views.

    Raises:
        UserError: If it was measured on other clips, or not at all.
    """
    found = list(stored_evaluations(baseline))
    if not found:
        raise UserError(f"{baseline.path}: not evaluated; run pan-keras evaluate on it first")
    found.sort(key=lambda each: each.views != evaluation.views)
    origins = (Origin.of(run), Origin.of(baseline))
    for each in found:
        own, other = results_by_clip(origins, (evaluation.results, each.results))
        if own.keys() == other.keys():
            return each
    raise UserError(
        f"{baseline.path}: was not evaluated on the {evaluation.clips} clips of {evaluation.split} "
        f"that {run.path} was; run pan-keras evaluate on both with the same data and split"
    )


def _tile(value: float, interval: Interval, name: str, kind: str = "tile") -> Html:
    low, high = interval
    band = element("i", style=f"left:{low:.2%};width:{high - low:.2%}")
    return element(
        "div",
        element("span", name),
        element("b", f"{value:.1%}"),
        element("div", band, element("u", style=f"left:{value:.2%}"), class_="range"),
        element("span", f"{low:.1%} to {high:.1%}"),
        class_=kind,
    )


def confusion_section(evaluation: Evaluation) -> Html:
    """Renders the confusion matrix, the most confused pairs and the worst clips."""
    matrix = np.array(evaluation.confusion)
    drawing = figures.svg(figures.confusion_figure(matrix, evaluation.classes), "confusion matrix")
    pairs = [
        (pair.truth, pair.predicted, str(pair.clips), f"{pair.share:.0%}")
        for pair in evaluation.confused_pairs
    ]
    worst = [
        (Path(clip.path).name, clip.truth, clip.predicted, f"{clip.truth_probability:.3f}")
        for clip in evaluation.worst_clips
        if clip.truth != clip.predicted
    ]
    text = "Rows are true classes, columns are predictions; shading is relative to the row."
    if not pairs:
        return section("Confusions", f"{text} Every clip is on the diagonal.", Html(drawing))
    tables = [
        element("h2", "Most confused pairs"),
        table(["truth", "predicted", "clips", "of the class"], pairs, texts=2),
        element("h2", "Worst clips"),
        table(["clip", "truth", "predicted", "p(truth)"], worst, texts=3),
    ]
    return section("Confusions", text, columns(Html(drawing), tables))


def classes_section(evaluation: Evaluation) -> Html:
    """Renders recall, precision and F1 per class."""
    rows = [row.cells() for row in evaluation.per_class]
    header = ["class", "clips", "recall", "precision", "F1"]
    text = "Recall: share of the class's clips classified correctly. Precision: share of the "
    text += "clips predicted as this class that belong to it."
    return section("Classes", text, folded(table(header, rows), len(rows), "classes"))
