"""What `pan-keras train` chooses, measured on EgoGestAR: recorder B, and every scene left out.

    python export/experiments/few_clips.py --root EGOGESTAR [--weights FILE] [--seeds 3] [--quick]
        [--only ROW] [--measured export/results/few-clips-egogestar.csv] [--bundles]

Trains each network with the settings that are chosen from the clips (the card's own are left out)
and with those of the card; tests on recorder B with several seeds and, with `--scenes N`, on the
scenes of recorders A and B by cross-validation in N groups of scenes. `--weights` names a file of
keras.applications or `imagenet`. What is finished is read when the script runs again; the table of
another machine, `--measured`, has seeds and scenes that are not measured again. Writes
`few_clips.csv` and `few_clips.md` into the folder `--output` after every training; `--bundles`
exports a run of each row with chosen settings, measures it by `pan-keras bench model`, and writes
`few_clips_bundles.csv`: use it on an idle machine. One training of
MobileNetV2 takes some 20 minutes of one core, one of the smallest network about 10.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
from pathlib import Path

from pan_keras.deploy import export
from pan_keras.evaluation import cross_validate, evaluate, resume_folds
from pan_keras.evaluation.cross_validation import is_cross_validation
from pan_keras.evaluation.results import stored_evaluation
from pan_keras.files import replacing
from pan_keras.metrics import mean_interval
from pan_keras.runs import open_run
from pan_keras.training import resume, train

QUICK = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=1",
)


def rows_of(weights: str | None) -> dict[str, dict]:
    """Arguments of `train` by the name of a row."""
    fresh = ("model.weights=none",)
    rows: dict[str, dict] = {}
    if weights:
        start = weights if weights == "imagenet" else str(Path(weights).resolve())
        # The epochs and the rate of a start are chosen where there is one.
        rows["MobileNetV2, chosen, ImageNet"] = {
            "model": "pan_lite_mobilenetv2",
            "preset": "balanced",
            "overrides": (f'model.weights="{start}"',),
        }
    rows["micro, chosen"] = {"model": "pan_lite_micro", "preset": "balanced", "overrides": fresh}
    rows["MobileNetV2, chosen, fresh"] = {
        "model": "pan_lite_mobilenetv2",
        "preset": "balanced",
        "overrides": fresh,
    }
    rows["micro, card's settings"] = {"model": "pan_lite_micro"}
    return rows


def on_recorder_b(folder: Path, root: Path, seed: int, options: dict) -> float:
    """Accuracy on recorder B of one training."""
    run = folder / f"seed-{seed}"
    if (run / "config.toml").is_file():
        found = stored_evaluation(open_run(run), "test")
        if found is not None:
            return found.top1
        resume(run)
    else:
        settings = (*options.get("overrides", ()), f"training.seed={seed}")
        train("egogestar", root=root, run=run, **{**options, "overrides": settings})
    return evaluate(run, split="test").top1


def over_scenes(
    folder: Path, table: Path, root: Path, options: dict, folds: int
) -> tuple[float, float, float]:
    """Mean accuracy over the scenes of recorders A and B, and its interval."""
    if is_cross_validation(folder):
        result = resume_folds(folder)
    else:
        given = {"preset": "balanced", **options, "folds": folds}
        result = cross_validate(table, root=root, groups="scene", run=folder, **given)
    return result.mean, *result.interval


def write_table(root: Path, file: Path) -> None:
    """The clips of recorders A and B, whose scenes become folds."""
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as source:
        clips = [row for row in csv.DictReader(source) if row["recorder"] in "AB"]
    clips = [row for row in clips if row["label"] != "unclassified"]
    with replacing(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["path", "label", "scene"])
        writer.writerows((row["path"], row["label"], row["scene"]) for row in clips)


def main() -> None:
    """Measures every row that is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of EgoGestAR")
    parser.add_argument("--weights", help="file of keras.applications, or imagenet")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scenes", type=int, default=0, help="groups of scenes; 0 is none")
    parser.add_argument("--output", type=Path, default=Path("runs/few_clips"))
    parser.add_argument("--only", action="append", help="row to measure; may be repeated")
    parser.add_argument("--measured", type=Path, help="few_clips.csv of earlier measurements")
    parser.add_argument("--bundles", action="store_true", help="measure exported networks")
    parser.add_argument("--quick", action="store_true", help="a test: one epoch of tiny frames")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    table = given.output / "scenes.csv"
    write_table(given.root, table)
    rows = rows_of(given.weights)
    if given.quick:
        for row in rows.values():
            row["overrides"] = (*row.get("overrides", ()), *QUICK)
    found: dict[str, list[float]] = {name: [] for name in rows}
    over: dict[str, tuple[float, float, float]] = {}
    if given.measured:
        read_results(given.measured, found, over)
    rows = {name: row for name, row in rows.items() if not given.only or name in given.only}
    if not rows:
        parser.error(f"--only: no such row; the rows are {', '.join(found)}")
    # Every row has a seed before any has two, so that an interrupted table compares.
    for seed in range(1, given.seeds + 1):
        for name, row in rows.items():
            if len(found[name]) < seed:
                place = given.output / folder_of(name)
                found[name].append(on_recorder_b(place, given.root, seed, row))
                write_results(given.output, found, over)
    for name, row in rows.items():
        if given.scenes and "preset" in row and name not in over:
            folder = given.output / folder_of(name) / "scenes"
            over[name] = over_scenes(folder, table, given.root, row, given.scenes)
            write_results(given.output, found, over)
    if given.bundles:
        runs = {
            name: sorted((given.output / folder_of(name)).glob("seed-*"))
            for name, row in rows.items()
            if "preset" in row
        }
        write_costs(given.output, {name: found[0] for name, found in runs.items() if found})


def write_costs(folder: Path, runs: dict[str, Path]) -> None:
    """Writes milliseconds of one thread and megabytes of the exported run of each row."""
    costs = []
    for name, run in runs.items():
        bundle = export(run, overrides={"export": {"formats": ["tflite"]}}).path
        command = [sys.executable, "-m", "pan_keras", "bench", "model", str(bundle), "--json"]
        done = subprocess.run([*command, "--threads", "1"], check=True, capture_output=True)
        results = json.loads(done.stdout)
        machine = results["machine"]
        for row in results["rows"]:
            times = [f"{row['p50_ms']:.2f}", f"{row['p95_ms']:.2f}"]
            size = f"{row['facts']['bytes'] / 1e6:.3f}"
            busy = str(machine["busy"]).lower()
            costs.append([name, row["precision"], *times, size, machine["name"], busy])
    with (folder / "few_clips_bundles.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        columns = ["network", "precision", "p50_ms", "p95_ms", "megabytes", "machine", "busy"]
        writer.writerows([columns, *costs])


def folder_of(name: str) -> str:
    """Name of a row's folder."""
    return "-".join(name.lower().replace(",", "").replace("'", "").split())


def read_results(
    file: Path, found: dict[str, list[float]], over: dict[str, tuple[float, float, float]]
) -> None:
    """Takes over what a table has of the rows in `found`."""
    with file.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            if row["network"] not in found:
                raise ValueError(f"{file}: row {row['network']!r} is not among {list(found)}")
            if row["seeds"]:
                found[row["network"]] = [float(each) for each in row["seeds"].split()]
            else:
                over[row["network"]] = float(row["top1"]), float(row["low"]), float(row["high"])


def write_results(
    folder: Path, found: dict[str, list[float]], over: dict[str, tuple[float, float, float]]
) -> None:
    """Writes the table for programs and for documents."""
    results: list[tuple[str, str, float, float, float, str]] = []
    for name, values in found.items():
        if values:
            seeds = " ".join(f"{each:.4f}" for each in values)
            interval = mean_interval(values)
            results.append((name, "recorder B", statistics.fmean(values), *interval, seeds))
    results += [(name, "scenes of A and B", *values, "") for name, values in over.items()]
    with (folder / "few_clips.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "tested", "top1", "low", "high", "seeds"])
        writer.writerows(results)
    lines = ["| Network | Tested on | Top-1 | 95 % interval | Seeds |", "|---|---|---:|---|---|"]
    for name, tested, mean, low, high, seeds in results:
        lines.append(f"| {name} | {tested} | {mean:.3f} | {low:.3f} to {high:.3f} | {seeds} |")
    (folder / "few_clips.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(lines[-1], flush=True)


if __name__ == "__main__":
    main()
