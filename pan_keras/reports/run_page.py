"""The report of a run as a self-contained HTML page."""

import hashlib
from pathlib import Path
from typing import Any

from pan_keras.bundle import Bundle, is_bundle
from pan_keras.drawing import figures
from pan_keras.errors import UserError
from pan_keras.evaluation.results import Evaluation, latest_evaluation
from pan_keras.files import replacing
from pan_keras.reports.accuracy_sections import classes_section, confusion_section, headline
from pan_keras.reports.calibration_section import calibration_section
from pan_keras.reports.example_clips import examples_section
from pan_keras.reports.html import Content, Html, element, folded, page, section, table
from pan_keras.runs.run import Run, open_run
from pan_keras.runs.training_record import kept_doubt, kept_text

CROPS = {"1": "centre crop", "3": "three crops", "full": "whole frame"}
MOMENTS = {1: "one sample in time", 2: "two samples in time", 10: "ten samples in time"}
BUNDLE = ("file", "precision", "top-1", "lost, points", "KB", "ms")


def write_report(
    run: Path | str, output: Path | None = None, baseline: Path | str | None = None
) -> Path:
    """Writes the report of a run as a self-contained HTML page.

    Accuracy, confusions and example clips come from the run's last evaluation. Parts that a run
    lacks (an evaluation, a curve, motion maps, timescale weights) are left out.

    Args:
        run: A run folder.
        output: The file to write; by default `report.html` in the run.
        baseline: An evaluated run to compare the accuracy with.

    Returns:
        The file.

    Raises:
        UserError: If a folder is not a run, the output is not an HTML file, or the baseline was not
            evaluated on the same clips.

    Example:
        >>> write_report("runs/demo")
        PosixPath('runs/demo/report.html')
    """
    opened = open_run(run)
    path = Path(output) if output is not None else opened.writable("report.html")
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{path}: name a file that ends in .html")
    evaluation = latest_evaluation(opened)
    sections = [
        _title(opened, evaluation),
        headline(opened, evaluation, None if baseline is None else open_run(baseline)),
        _bundle(opened),
        _curves(opened),
        confusion_section(evaluation) if evaluation else None,
        classes_section(evaluation) if evaluation else None,
        calibration_section(opened),
        examples_section(opened, evaluation) if evaluation else None,
        _data(opened, evaluation),
        _setup(opened),
    ]
    text = page(opened.title, [part for part in sections if part])
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


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


def _curves(run: Run) -> Html | None:
    rows = run.metrics() if (run.path / "metrics.csv").is_file() else []
    if not rows:
        return None
    last = rows[-1]
    text = (
        f"{len(rows)} epochs. The last processed {last['clips_per_second']:.1f} clips per second "
        f"and spent {last['input_wait']:.1%} of its time waiting for input."
    )
    text += _kept(run, rows)
    drawings = [
        Html(figures.svg(figures.curve_figure(rows, name), f"{name} over the epochs"))
        for name in ("loss", "accuracy")
    ]
    return section("Training", text, element("div", drawings, class_="columns"))


def _kept(run: Run, rows: list[dict[str, float]]) -> str:
    record = run.kept
    if record is not None:
        warning = kept_doubt(record)
        return f" {kept_text(record).capitalize()}." + (f" Note: {warning}." if warning else "")
    scored = [row for row in rows if "val_accuracy" in row]
    if not scored:
        return ""
    # Earlier releases wrote no record and kept this epoch.
    best = max(scored, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    return f" Kept: epoch {best['epoch']:.0f}, the best validation accuracy."


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
            folded(table(["file", "reason"], skipped.items(), texts=2), len(skipped), "files"),
        ]
    return section(
        "Data",
        f"{report['source']}. {_ranges(report)}",
        folded(table(["class", *splits], rows), len(rows), "classes"),
        files,
    )


def _ranges(report: dict[str, Any]) -> str:
    frames, rate = report["frames"], report["frame_rate"]
    return (
        f"Split: {report['split_origin']}. Clips have {frames['min']:.0f} to {frames['max']:.0f} "
        f"frames, at {rate['min']:.3g} to {rate['max']:.3g} per second."
    )


def _setup(run: Run) -> Html:
    config = (run.path / "config.toml").read_text(encoding="utf-8").strip()
    rows = run.versions.items() if (run.path / "versions.json").is_file() else []
    content = [element("pre", config), table(["package", "version"], rows, texts=2)]
    return section(
        "Configuration and versions",
        "Settings and software of the training.",
        element("div", content, class_="columns"),
    )


def _bundle(run: Run) -> Html | None:
    """Renders accuracy, size and time of the files in the run's bundle; None without one."""
    folder = run.path / "bundle"
    if not is_bundle(folder):
        return None
    facts = Bundle.open(folder).facts
    title = element("h2", "On a device")
    model = run.path / "model.keras"
    current = model.is_file() and hashlib.sha256(model.read_bytes()).hexdigest()
    if facts["source"]["model_sha256"] != current:
        text = f"The bundle is of an earlier model: pan-keras export {run.path} updates it."
        return element("section", title, element("p", text))
    rows: list[tuple[Content, ...]] = []
    measured = facts["reference"]["accuracy"]
    if measured:
        size = f"{model.stat().st_size / 1000:.0f}"
        rows.append(("model.keras", "float32", f"{measured['top1']:.1%}", "", size, ""))
    for entry in facts["artefacts"]:
        accuracy = entry["accuracy"]
        rows.append(
            (
                entry["file"],
                entry["precision"],
                f"{accuracy['top1']:.1%}" if accuracy else "",
                f"{accuracy['drop']['top1']:.1f}" if accuracy else "",
                f"{entry['bytes'] / 1000:.0f}",
                f"{entry['speed']['milliseconds']:.1f}",
            )
        )
    speed = facts["artefacts"][0]["speed"]
    note = (
        f"Each file was checked against the Keras model before it was written. Time per call, "
        f"{speed['threads']} threads, {speed['machine']}."
    )
    text = element("p", note, class_="note")
    return element("section", title, text, table(BUNDLE, rows, texts=2))
