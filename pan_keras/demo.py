"""The demonstration: generates videos, trains PAN_Lite and a single-frame baseline, and exports."""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pan_keras.bundle import Bundle, is_bundle
from pan_keras.deploy.exporter import export
from pan_keras.deploy.source import open_source
from pan_keras.errors import UserError
from pan_keras.evaluation import Evaluation, evaluate
from pan_keras.reports import write_report
from pan_keras.reports.training_pictures import TrainingPictures
from pan_keras.runs.run import Run
from pan_keras.runtime import verify
from pan_keras.training import resume, train

BASELINE = "tsn_micro"


def demo(
    run: Path = Path("runs/demo"),
    *,
    root: Path | None = None,
    overrides: Iterable[str] = (),
    recipe: Path | str | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Trains PAN_Lite and an RGB baseline on `motions`, exports, and writes a report.

    The baseline is the same network on single RGB frames with averaging. In `motions` a single
    frame carries no information about the class, so its accuracy is near chance, and that of
    PAN_Lite is due to motion. An interrupted demonstration continues where it stopped.

    Args:
        run: Run folder of PAN_Lite, which contains that of the baseline, `baseline`.
        root: Folder of the data set; created if absent, by default `data/motions`.
        overrides: `section.key=value` strings for both networks.
        recipe: Export recipe, by default that of `pan-keras export`.
        quiet: Whether to print warnings only.

    Returns:
        The content of `summary.json`: `test_top1`, its interval, `baseline_top1`, the `bundle`,
        the top-1 accuracy of each of its `models`, and `minutes`.
    """
    start = time.perf_counter()
    run = Path(run)
    baseline = run / "baseline"
    overrides = list(overrides)
    _train(run, None, root, overrides, quiet)
    _train(baseline, BASELINE, root, overrides, quiet)
    result, still = _test(run, quiet), _test(baseline, quiet)
    bundle = _export(run, recipe, quiet)
    report = write_report(run, baseline=baseline)
    summary = {
        "test_top1": result.top1,
        "test_interval": list(result.intervals["top1"]),
        "baseline_top1": still.top1,
        "clips": result.clips,
        "bundle": str(bundle.path),
        "models": {entry.file: entry.facts["accuracy"]["top1"] for entry in bundle.entries},
        "minutes": round((time.perf_counter() - start) / 60, 2),
        "report": str(report),
    }
    Run(run).write("summary.json", json.dumps(summary, indent=2) + "\n")
    return summary


def _train(
    run: Path, model: str | None, root: Path | None, overrides: list[str], quiet: bool
) -> None:
    pictures = [TrainingPictures()]
    if (run / "config.toml").is_file():
        resume(run, callbacks=pictures, quiet=quiet)
    else:
        train(
            "motions",
            root=root,
            model=model,
            overrides=overrides,
            run=run,
            callbacks=pictures,
            quiet=quiet,
        )


def _test(run: Path, quiet: bool) -> Evaluation:
    return evaluate(run, split="test", progress=not quiet)


def _export(run: Path, recipe: Path | str | None, quiet: bool) -> Bundle:
    """Exports a run, unless its bundle is current."""
    folder = run / "bundle"
    if not is_bundle(folder) or not _is_current(folder, run):
        tell = None if quiet else lambda what: print(what, file=sys.stderr)  # noqa: T201
        export(run, recipe, output=folder, overrides={"export": {"evaluate": "test"}}, tell=tell)
    problems = [finding.to_text() for finding in verify(folder) if finding.problems]
    if problems:
        raise UserError(f"{folder}: {'; '.join(problems)}; remove it and run the demo again")
    return Bundle.open(folder)


def _is_current(folder: Path, run: Path) -> bool:
    return Bundle.open(folder).facts["source"]["model_sha256"] == open_source(run).checksum
