"""Timelines of joined videos, measured on EgoGestAR.

    python export/experiments/timelines.py RUN --root EGOGESTAR [--output DIR] [--bundle]

RUN was trained by `pan-keras train egogestar --root EGOGESTAR`. A copy of it is calibrated with
`--false-alarms 0.1` and ten of the unclassified clips as negatives. Three videos are joined: the
validation clips, in three orders one after another, and twice the test clips, in two orders. After
every second clip comes one of the unclassified clips: for validation one of the ten negatives, for
tests one of the other ten. `--bundle` exports the run and evaluates its float32 and int8 files too.
Writes `timelines.csv` into the folder `--output`, with the command of each row.
"""

import argparse
import csv
import random
import shutil
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from pan_keras.bench.document_tables import RULE
from pan_keras.data.joining import join_clips
from pan_keras.deploy import export
from pan_keras.evaluation.timelines import TimelineEvaluation, evaluate_timelines
from pan_keras.files import replacing
from pan_keras.inference import calibrate
from pan_keras.metrics.segments import OVERLAPS
from pan_keras.runs import open_run

FALSE_ALARMS = 0.1
# Split, and seeds of the orders in which its clips are joined.
VIDEOS = {"validation": ("val", (1, 2, 3)), "test-1": ("test", (1,)), "test-2": ("test", (2,))}
PRECISIONS = ("float32", "int8")


def unclassified(root: Path) -> tuple[list[Path], list[Path]]:
    """Returns the clips of no class: ten to calibrate with, and ten to test with."""
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "unclassified"]
    rows.sort(key=lambda row: int(row["serial"]))
    paths = [root / row["path"] for row in rows]
    return paths[::2], paths[1::2]


def join(run: Path, root: Path, name: str, folder: Path) -> Path:
    """Joins the video of a name; returns its ground truth."""
    split, seeds = VIDEOS[name]
    negatives, others = unclassified(root)
    between = cycle(negatives if split == "val" else others)
    clips = [clip for clip in open_run(run).identity.clips if clip.split == split]
    plan = [("path", "label")]
    for seed in seeds:
        order = sorted(clips, key=lambda clip: clip.path)
        random.Random(seed).shuffle(order)
        for number, clip in enumerate(order, 1):
            plan.append((str((root / clip.path).resolve()), clip.label))
            if number % 2 == 0:
                plan.append((str(next(between).resolve()), ""))
    file = folder / f"{name}-plan.csv"
    with replacing(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, lineterminator="\n").writerows(plan)
    return join_clips(file, folder / f"{name}.mp4")


def rows_of(
    network: str, model: str, video: str, found: TimelineEvaluation, command: str
) -> Iterator[list]:
    """Yields the rows of the table without and with the answer unknown."""
    for unknown, scores in (("no", found.without_unknown), ("yes", found.with_unknown)):
        shares = [f"{scores.f1(overlap):.3f}" for overlap in OVERLAPS]
        alarms = f"{scores.false_alarms_per_minute:.1f}"
        counts = [scores.truths, scores.found]
        yield [network, RULE, model, video, unknown, *counts, *shares, alarms, command]


def main() -> None:
    """Calibrates a copy of the run, joins the videos, and evaluates every model on them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run of egogestar")
    parser.add_argument("--root", type=Path, required=True, help="folder of EgoGestAR")
    parser.add_argument("--output", type=Path, default=Path("runs/timelines"))
    parser.add_argument("--bundle", action="store_true", help="evaluate exported models as well")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    run = given.output / "run"
    if not run.is_dir():
        ignored = shutil.ignore_patterns("checkpoints", "tensorboard", "bundle", "cache")
        shutil.copytree(given.run, run, ignore=ignored)
    negatives, _ = unclassified(given.root)
    print(calibrate(run, false_alarms=FALSE_ALARMS, negatives=negatives, root=given.root).to_text())
    truths = {name: join(run, given.root, name, given.output) for name in VIDEOS}
    models = [("keras", run, None)]
    if given.bundle:
        wanted = {"precisions": list(PRECISIONS)}
        bundle = export(
            run, overrides={"export": wanted, "calibration": {"root": str(given.root)}}
        ).path
        models += [(f"bundle {precision}", bundle, precision) for precision in PRECISIONS]
    config = open_run(run).config.model
    network = f"{config.name}{', causal' if config.causal else ''}"
    rows = []
    for name, path, precision in models:
        for video, truth in truths.items():
            found = evaluate_timelines(path, truth, precision=precision)
            command = f"pan-keras evaluate {path.name} --timeline {truth.name}"
            command += f" --precision {precision}" if precision else ""
            rows += rows_of(network, name, video, found, command)
            print(found.to_text(), flush=True)
    columns = [
        "network",
        "rule",
        "model",
        "video",
        "unknown",
        "actions",
        "segments",
        "f1_10",
        "f1_25",
        "f1_50",
    ]
    columns += ["false_alarms_per_minute", "command"]
    with (given.output / "timelines.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


if __name__ == "__main__":
    main()
