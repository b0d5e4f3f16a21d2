"""The report of a run: one page that can be mailed, printed and read without a network."""

from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.drawing import figures
from pan_keras.drawing.colours import PALETTE
from pan_keras.errors import UserError
from pan_keras.evaluation.clips import results_by_clip
from pan_keras.evaluation.origin import Origin
from pan_keras.evaluation.results import Evaluation, latest_evaluation, stored_evaluations
from pan_keras.files import replacing
from pan_keras.metrics.scores import Interval
from pan_keras.reports.page import Content, Html, element, page, table
from pan_keras.reports.report_bundle import bundle_section
from pan_keras.reports.report_clips import clip_card
from pan_keras.reports.report_examples import choose, examples
from pan_keras.runs.run import Run, open_run
from pan_keras.runs.training_record import kept_doubt, kept_text

CROPS = {"1": "centre crop", "3": "three crops", "full": "whole frame"}
MOMENTS = {1: "one sample in time", 2: "two samples in time", 10: "ten samples in time"}
SHOWN = 20  # rows up to which a table stands open


def write_report(
    run: Path | str, output: Path | None = None, baseline: Path | str | None = None
) -> Path:
    """Writes what is known of a run as one self-contained HTML page.

    Accuracy, confusions and example clips come from the last `evaluate` of the run. What a
    run does not have (an evaluation, a curve, motion maps, timescale weights) is left out.

    Args:
        run: A run folder.
        output: The file to write; by default `report.html` in the run.
        baseline: An evaluated run whose accuracy stands beside.

    Returns:
        The file.

    Raises:
        UserError: If a folder is no run, the output is no page, or the baseline was not measured
            on the same clips.

    Example:
        >>> write_report("runs/demo")
        PosixPath('runs/demo/report.html')
    """
    opened = open_run(run)
    path = Path(output) if output is not None else opened.path / "report.html"
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{path}: name a file that ends in .html")
    evaluation = latest_evaluation(opened)
    sections = [
        _title(opened, evaluation),
        _headline(opened, evaluation, None if baseline is None else open_run(baseline)),
        bundle_section(opened),
        _curves(opened),
        _confusion(evaluation) if evaluation else None,
        _classes(evaluation) if evaluation else None,
        _examples(opened, evaluation) if evaluation else None,
        _data(opened, evaluation),
        _setup(opened),
    ]
    text = page(opened.title, [part for part in sections if part], PALETTE)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _section(title: str, text: str, *content: Content) -> Html:
    note = element("p", text, class_="note")
    return element("section", element("h2", title), note, content)


def _title(run: Run, evaluation: Evaluation | None) -> Html:
    model = run.config.model
    facts = [
        f"{len(run.labels)} classes",
        f"{model.segments} segments of {model.stack} frames",
        f"{model.size[0]} × {model.size[1]} pixels",
    ]
    if evaluation:
        facts.append(f"measured on {evaluation.clips} clips of {evaluation.split}")
        facts.append(f"{CROPS[evaluation.crops]} at {MOMENTS[evaluation.temporal_clips]}")
        if evaluation.views > 1:
            facts.append(f"mean {evaluation.fuse} of {evaluation.views} views")
    return element("header", element("h1", run.title), element("p", " · ".join(facts)))


def _headline(run: Run, evaluation: Evaluation | None, baseline: Run | None) -> Html:
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
    """What was measured of a baseline on the clips of an evaluation, on the same views if it was.

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
        f"{baseline.path}: was not measured on the {evaluation.clips} clips of {evaluation.split} "
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


def _curves(run: Run) -> Html | None:
    rows = run.metrics() if (run.path / "metrics.csv").is_file() else []
    if not rows:
        return None
    last = rows[-1]
    text = (
        f"{len(rows)} epochs. The last took in {last['clips_per_second']:.1f} clips a second "
        f"and waited for them {last['input_wait']:.1%} of its time."
    )
    text += _kept(run, rows)
    drawings = [
        Html(figures.svg(figures.curve_figure(rows, name), f"{name} over the epochs"))
        for name in ("loss", "accuracy")
    ]
    return _section("Training", text, element("div", drawings, class_="columns"))


def _kept(run: Run, rows: list[dict[str, float]]) -> str:
    record = run.kept
    if record is not None:
        warning = kept_doubt(record)
        return f" {kept_text(record).capitalize()}." + (f" Note: {warning}." if warning else "")
    scored = [row for row in rows if "val_accuracy" in row]
    if not scored:
        return ""
    # Releases that wrote no record kept this one.
    best = max(scored, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    return f" Kept: epoch {best['epoch']:.0f}, the best validation accuracy."


def _confusion(evaluation: Evaluation) -> Html:
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
    text = "A row is a true class, a column is what its clips were taken for; shades go by row."
    if not pairs:
        return _section("Confusions", f"{text} Every clip is on the diagonal.", Html(drawing))
    tables = element(
        "div",
        element("h2", "Most confused pairs"),
        table(["truth", "taken for", "clips", "of the class"], pairs, texts=2),
        element("h2", "Worst clips"),
        table(["clip", "truth", "taken for", "p(truth)"], worst, texts=3),
    )
    both = element("div", element("div", Html(drawing)), tables, class_="columns")
    return _section("Confusions", text, both)


def _classes(evaluation: Evaluation) -> Html:
    rows = [row.cells() for row in evaluation.per_class]
    header = ["class", "clips", "recall", "precision", "F1"]
    text = "Recall: share of the class's clips that were recognised. Precision: share of the "
    text += "clips given this class that belong to it."
    return _section("Classes", text, _folded(table(header, rows), len(rows), "classes"))


def _examples(run: Run, evaluation: Evaluation) -> Html | None:
    if not (run.path / "model.keras").is_file():
        return None
    chosen = choose(evaluation.results)
    model = run.load_model()
    shown = list(examples(run, model, chosen))
    text = "Right ones of different classes, then those that went most wrong."
    if any(example.motion is not None for example in shown):
        text += " PA is the mean of a segment's motion maps, bright where much moves."
    if any(example.weights is not None for example in shown):
        text += (
            " Below, a row is one timescale feature of VAP: the bars under the frames mark the "
            "segments it pools, red for timescale 1, then orange, yellow and so on; the number "
            "is its weight w (Fig. 6 of the paper)."
        )
    if len(shown) < len(chosen):
        text += f" {len(chosen) - len(shown)} more can no longer be read."
    return _section("Example clips", text, [clip_card(example) for example in shown])


def _data(run: Run, evaluation: Evaluation | None) -> Html | None:
    if not (run.path / "data_report.json").is_file():
        return None
    try:
        return _data_section(run.data_report, evaluation)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise run.damaged("data_report.json", repr(error)) from None


def _data_section(report: dict[str, Any], evaluation: Evaluation | None) -> Html:
    counts: dict[str, dict[str, int]] = report["classes"]
    splits: dict[str, int] = report["splits"]
    rows = [(label, *(str(count[split]) for split in splits)) for label, count in counts.items()]
    rows.append(("all", *map(str, splits.values())))
    skipped = {file["path"]: file["reason"] for file in report["skipped"]}
    if evaluation:
        skipped |= {file["path"]: file["reason"] for file in evaluation.skipped_files}
    files: Content = element("p", "Every file could be read.")
    if skipped:
        files = [
            element("p", f"{len(skipped)} files could not be read and were left out."),
            _folded(table(["file", "reason"], skipped.items(), texts=2), len(skipped), "files"),
        ]
    return _section(
        "Data",
        f"{report['source']}. {_ranges(report)}",
        _folded(table(["class", *splits], rows), len(rows), "classes"),
        files,
    )


def _ranges(report: dict[str, Any]) -> str:
    frames, rate = report["frames"], report["frame_rate"]
    return (
        f"Split: {report['split_origin']}. Clips have {frames['min']:.0f} to {frames['max']:.0f} "
        f"frames, at {rate['min']:.3g} to {rate['max']:.3g} a second."
    )


def _setup(run: Run) -> Html:
    config = (run.path / "config.toml").read_text(encoding="utf-8").strip()
    rows = run.versions.items() if (run.path / "versions.json").is_file() else []
    content = [element("pre", config), table(["package", "version"], rows, texts=2)]
    return _section(
        "Configuration and versions",
        "What this run was trained with.",
        element("div", content, class_="columns"),
    )


def _folded(content: Html, rows: int, name: str) -> Html:
    if rows <= SHOWN:
        return content
    return element("details", element("summary", f"{rows} {name}"), content)
