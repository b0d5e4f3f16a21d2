"""Runs all benchmarks and writes their results."""

import csv
import io
import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pan_keras.bench.building import Progress
from pan_keras.bench.decode import made_clips, measure_decode
from pan_keras.bench.model import measure_model
from pan_keras.bench.motion import measure_motion
from pan_keras.bench.paper_tables import Accuracy, paper_tables
from pan_keras.bench.results import Results
from pan_keras.bench.train_step import measure_train_step
from pan_keras.bench.video import measure_video
from pan_keras.errors import UserError
from pan_keras.files import make_folder, replacing

MODEL = "pan_lite_mobilenetv2"


def _video(threads: int, quick: bool, progress: Progress) -> Results:
    """Measures whole videos on one small generated clip."""
    with tempfile.TemporaryDirectory(prefix="pan-keras-bench-") as folder:
        clips = made_clips(Path(folder), quick=True, progress=progress)
        return measure_video(clips[:1], threads=threads, quick=quick, progress=progress)


# By name; takes the number of threads, whether to be quick, and the progress callback.
SUITE: dict[str, Callable[[int, bool, Progress], Results]] = {
    "motion": lambda threads, quick, progress: measure_motion(
        threads=threads, quick=quick, progress=progress
    ),
    "model": lambda threads, quick, progress: measure_model(
        MODEL, threads=threads, quick=quick, streaming=True, progress=progress
    ),
    "video": _video,
    "train-step": lambda threads, quick, progress: measure_train_step(
        threads=threads,
        precisions=("float32",) if quick else ("float32", "mixed_float16"),
        quick=quick,
        progress=progress,
    ),
    "decode": lambda threads, quick, progress: measure_decode(
        threads=threads, quick=quick, progress=progress
    ),
}
# For file names: short names of the packages that matter, in this order.
NAMED = {
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "ai-edge-litert": "litert",
    "onnxruntime": "onnxruntime",
    "opencv-contrib-python-headless": "opencv",
}


def chosen_benchmarks(only: Sequence[str] = ()) -> tuple[str, ...]:
    """Returns the names of the benchmarks to run.

    Args:
        only: Some of `SUITE`; by default all.

    Raises:
        UserError: If there is no such benchmark.
    """
    for name in only:
        if name not in SUITE:
            raise UserError(f"benchmark: {name!r} is not one of {', '.join(SUITE)}")
    return tuple(dict.fromkeys(only or SUITE))


def measure_all(
    only: Sequence[str] = (),
    *,
    threads: int = 2,
    quick: bool = False,
    progress: Progress = lambda _: None,
) -> dict[str, Results]:
    """Runs the benchmarks one after the other.

    Args:
        only: Some of `SUITE`; by default all.
        threads: Threads per call.
        quick: Whether to take a few minutes instead of a quarter of an hour.
        progress: Called with a line of text about the current step.

    Returns:
        Results by name of the benchmark; after Ctrl-C, those measured so far.

    Raises:
        UserError: If there is no such benchmark.
    """
    found: dict[str, Results] = {}
    for name in chosen_benchmarks(only):
        progress(f"benchmark {name}")
        try:
            found[name] = SUITE[name](threads, quick, progress)
        except KeyboardInterrupt:  # before its rounds
            if not found:
                raise
            break
        if found[name].work["interrupted"]:
            break
    return found


def write_results(
    found: Mapping[str, Results],
    folder: Path | str,
    accuracies: Mapping[str, Accuracy] | None = None,
) -> Path:
    """Writes results as JSON, CSV and Markdown.

    Writes one JSON file per benchmark, one CSV file of all rows, named by hardware and versions,
    and, if motion was measured, `tables.md` in the layout of the paper's Tables I and II.

    Args:
        found: Results by name.
        folder: Output folder; it is created.
        accuracies: Accuracies by method, for the tables.

    Returns:
        The CSV file.

    Raises:
        UserError: If the folder cannot be written.
    """
    folder = Path(folder)
    texts = {
        f"{name}.json": json.dumps(results.to_json(), indent=1) + "\n"
        for name, results in found.items()
    }
    if "motion" in found:
        texts["tables.md"] = paper_tables(found["motion"], accuracies)
    table = file_name(next(iter(found.values())))
    texts[table] = joined_csv(found)
    make_folder(folder)
    for name, text in texts.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return folder / table


def joined_csv(found: Mapping[str, Results]) -> str:
    """Returns the rows of all benchmarks as CSV, with the facts of the machine in each row."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for place, (name, results) in enumerate(found.items()):
        head, *rows = csv.reader(io.StringIO(results.to_csv()))
        machine = results.machine
        if not place:
            writer.writerow(["benchmark", *head, "machine", "busy", "commit"])
        about = [machine["name"], str(machine.get("busy")).lower(), machine.get("commit") or ""]
        writer.writerows([name, *row, *about] for row in rows)
    return file.getvalue()


def file_name(results: Results) -> str:
    """Returns the name of a results file: the hardware, then the versions of the runtimes.

    Args:
        results: Results whose machine names the file.

    Example:
        >>> file_name(results)
        'amd-epyc-x86-64-2-cores-tensorflow-2.21-litert-2.3-onnxruntime-1.32-opencv-5.0.csv'
    """
    machine = results.machine
    hardware = machine.get("gpu") or f"{machine['name']} {machine.get('cores', 1)} cores"
    versions = machine["versions"]
    runtimes = [
        f"{short}-{'.'.join(versions[name].split('.')[:2])}"
        for name, short in NAMED.items()
        if name in versions
    ]
    slug = re.sub(r"[^a-z0-9]+", "-", hardware.lower()).strip("-")
    return "-".join([slug, *runtimes]) + ".csv"
