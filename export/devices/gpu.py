"""Benchmarks motion cues, flow networks and PAN_Lite on a GPU with JAX and PyTorch.

    python export/devices/gpu.py [--device cpu] [--quick] [--minutes 6] [--output FILE]

One run for a Linux machine with an NVIDIA GPU; TensorFlow is not needed. From a checkout it needs
NumPy, Keras, lazy-loader, and JAX or PyTorch (`pip install "pan-keras[jax,torch]"`). Frameworks
that are not installed are reported and marked in their rows. Frames are on the device beforehand,
and a call ends when its result is available. Writes a CSV; results worth keeping are committed in
export/results/.

Each framework runs in its own process until its share of the time is used up; the remaining cases
are marked. A result that differs from the reference has no time.
"""

import argparse
import csv
import importlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = ("jax", "torch")
# Maximum difference of PA from the reference; the features have a standard deviation of about 3.
LIMITS = {"float32": 1e-4, "tf32": 0.02, "bfloat16": 0.1}
FLOWS = ("flownet_s", "flownet_c", "raft_small", "flownet2")
CLASSES = 174


@dataclass(frozen=True)
class Work:
    """The frames of a call.

    Args:
        segments: Stacks a clip.
        stack: Frames a stack, of PA and flow.
        size: Pixels of a side.
        clips: Of a call of PA, where many are measured together.
        batch: Clips of a training step.
        seconds: Of measuring, a case.
    """

    segments: int = 8
    stack: int = 6
    size: int = 224
    clips: int = 16
    batch: int = 8
    seconds: float = 2.0


QUICK = Work(segments=2, stack=3, size=64, clips=2, batch=1, seconds=0.2)


@dataclass
class Row:
    """One line of the table.

    Attributes:
        method: As in `pan-keras bench motion`; `pan_lite` and `pan_lite_step` for the network.
        framework: What computes it.
        form: `keras`, or `plain`: as the authors' PyTorch code computes it.
        compiled: By XLA or `torch.compile`, or `no`.
        precision: Of convolutions and products; tf32 is what GPUs take for float32 by default.
        clips: In a call.
        frames_per_second: Frames that go in, as the paper counts them.
        error: Largest difference from the reference, where there is one; for logits, relative to
            the largest.
        note: Why there is no time.
    """

    method: str
    framework: str
    form: str
    compiled: str
    precision: str
    clips: int
    p50_ms: float | None = None
    p5_ms: float | None = None
    p95_ms: float | None = None
    clips_per_second: float | None = None
    pairs_per_second: float | None = None
    frames_per_second: float | None = None
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Case:
    """Something to measure.

    Args:
        row: What it is.
        frames: That go into a call.
        pairs: Of adjacent frames in a call.
        make: Makes a function that computes once and gives the result when it is there.
        check: The error of a result, or None where there is no reference.
    """

    row: Row
    frames: int
    pairs: int
    make: Callable[[], Callable[[], Any]]
    check: Callable[[Any], float] | None = None


def measure(case: Case, seconds: float, deadline: float) -> Row:
    """Compiles, checks, warms up and measures one case."""
    row = case.row
    if time.monotonic() > deadline:
        row.note = "not run: no time was left"
        return row
    try:
        call = case.make()
        result = call()
        if case.check is not None:
            row.error = float(case.check(result))
            if not row.error <= LIMITS[row.precision]:
                row.note = f"wrong: differs by {row.error:.3g} from the reference"
                return row
        times: list[float] = []
        for _ in range(3):
            call()
        end = min(time.monotonic() + seconds, deadline + 10)
        while len(times) < 5 or time.monotonic() < end:
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    except Exception as error:
        lines = str(error).strip().splitlines()
        row.note = f"not run: {type(error).__name__}: {(lines or [''])[0][:120]}"
        return row
    row.p5_ms, row.p50_ms, row.p95_ms = (
        round(1000 * float(value), 4) for value in np.percentile(times, (5, 50, 95))
    )
    calls = 1000 / row.p50_ms
    row.clips_per_second = round(calls * row.clips, 2)
    row.frames_per_second = round(calls * case.frames)
    row.pairs_per_second = round(calls * case.pairs)
    return row


def pa_inputs(work: Work, clips: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames `(clips * segments, stack, size, size, 3)` with their kernel and bias."""
    random = np.random.default_rng(0)
    shape = (clips * work.segments, work.stack, work.size, work.size, 3)
    frames = random.standard_normal(shape, dtype="float32")
    kernel = random.standard_normal((7, 7, 3, 8), dtype="float32") * (2 / 147) ** 0.5
    return frames, kernel, random.standard_normal(8, dtype="float32")


def pa_error(frames: np.ndarray, kernel: np.ndarray, found: np.ndarray) -> float:
    """Of PA `(B, H, W, m - 1)` at some places, from sums in float64."""
    random = np.random.default_rng(1)
    batch, stack, size = frames.shape[:3]
    error = 0.0
    for _ in range(64):
        b, i = random.integers(batch), random.integers(stack - 1)
        y, x = random.integers(3, size - 3, 2)
        patch = np.float64(frames[b, i : i + 2, y - 3 : y + 4, x - 3 : x + 4])
        features = np.einsum("tijc,ijcd->td", patch, np.float64(kernel))
        expected = np.linalg.norm(features[0] - features[1])
        error = max(error, abs(expected - float(found[b, y, x, i])))
    return error


def cases_of(framework: str, work: Work, on_gpu: bool) -> Iterator[Case]:
    """All cases of a framework, the most important first."""
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
    module = importlib.import_module(f"gpu_{framework}")
    for clips in dict.fromkeys((1, work.clips)):
        frames, kernel, bias = pa_inputs(work, clips)
        for form, compiled, precision, make in module.pa(frames, kernel, bias, on_gpu):
            yield Case(
                Row("pa", framework, form, compiled, precision, clips),
                clips * work.segments * work.stack,
                clips * work.segments * (work.stack - 1),
                make,
                lambda found, frames=frames, kernel=kernel: pa_error(
                    frames, kernel, module.as_array(found)
                ),
            )
    stack = min(work.stack, 4)  # as in the paper's networks
    for method, clips in (("pan_lite", 1), ("pan_lite_step", work.batch)):
        shape = (clips, work.segments, stack, work.size, work.size, 3)
        clip = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
        check: Callable[[Any], float] | None = None
        if method == "pan_lite" and framework == "torch":
            check = module.logits_error(clip, CLASSES)
        for form, compiled, precision, make in module.pan_lite(method, clip, CLASSES, on_gpu):
            yield Case(
                Row(method, framework, form, compiled, precision, clips),
                clips * work.segments * stack,
                clips * work.segments * (stack - 1),
                make,
                check,
            )
    pairs = work.segments * (work.stack - 1)
    shape = (pairs, 2, work.size, work.size, 3)
    frames = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    for name in FLOWS:
        for form, compiled, precision, make in module.flow_network(name, frames, on_gpu):
            yield Case(
                Row(name, framework, form, compiled, precision, 1),
                work.segments * work.stack,
                pairs,
                make,
            )


def work_through(framework: str, work: Work, on_gpu: bool, seconds: float) -> None:
    """Measures in this process; writes one line of JSON a row."""
    deadline = time.monotonic() + seconds
    for case in cases_of(framework, work, on_gpu):
        print(json.dumps(asdict(measure(case, work.seconds, deadline))), flush=True)


def run_framework(framework: str, arguments: list[str], seconds: float) -> list[Row]:
    """The rows of a process of its own; what it had measured, where it took too long."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": framework,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    command = [sys.executable, __file__, "--worker", framework, "--seconds", str(seconds)]
    process = subprocess.Popen(
        [*command, *arguments], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        output, _ = process.communicate(timeout=seconds + 60)
        note = "" if process.returncode == 0 else f"ended with {process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        note = "not run: a case before it took too long"
    except KeyboardInterrupt:
        process.kill()
        process.wait()
        raise
    rows = [Row(**json.loads(line)) for line in output.splitlines() if line.startswith("{")]
    if note:
        rows.append(Row("all others", framework, "", "", "", 0, note=note))
    return rows


def absent(framework: str) -> list[Row]:
    """Rows of a framework that is not installed."""
    methods = ("pa", "pan_lite", "pan_lite_step", *FLOWS)
    note = f"not run: {framework} is not installed"
    forms = ("keras", "plain") if framework == "torch" else ("keras",)
    return [
        Row(method, framework, form, "", "", 0, note=note)
        for method in methods
        for form in forms
        if form == "keras" or method not in FLOWS
    ]


def fail(message: str) -> NoReturn:
    """Ends with one sentence."""
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(2)


def hardware(device: str) -> str:
    """The name of the GPU, or of the processor."""
    if device == "cpu":
        return platform.machine() + f" {os.cpu_count()} cores"
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        fail("nvidia-smi shows no GPU; use --device cpu to try the script without one")
    return found.stdout.splitlines()[0].strip()


def write(rows: list[Row], output: Path, device: str, is_quick: bool) -> None:
    """The CSV: rows, each with machine and versions, so that files can be put together."""
    facts = {"device": hardware(device), "python": platform.python_version()}
    for package in ("keras", *FRAMEWORKS):
        try:
            facts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            facts[package] = "absent"
    facts["work"] = "quick" if is_quick else "full"
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        names = [field.name for field in fields(Row)]
        writer = csv.DictWriter(file, [*names, *facts], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**asdict(row), **facts} for row in rows)
    temporary.replace(output)


def show(rows: list[Row]) -> None:
    """A text table."""
    for row in rows:
        what = f"{row.method:<14}{row.framework:<6}{row.form:<6}{row.compiled:<8}{row.precision:<9}"
        if row.p50_ms is None:
            print(f"{what}{row.note}")
        else:
            rate = f"{row.frames_per_second:>12,} frames/s {row.clips_per_second:>11,} clips/s"
            print(f"{what}{row.clips:>3} clips {row.p50_ms:>10.3f} ms {rate}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu", help="what to measure")
    parser.add_argument(
        "--quick", action="store_true", help="small frames, to check that the script runs"
    )
    parser.add_argument("--minutes", type=float, default=6, help="of measuring, at most; 6")
    parser.add_argument("--output", type=Path, help="CSV; by default named by device and versions")
    parser.add_argument("--worker", choices=FRAMEWORKS, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.minutes <= 0:
        parser.error("--minutes must be above 0")
    on_gpu = given.device == "gpu"
    if not on_gpu:
        os.environ |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    if given.worker:
        work_through(given.worker, QUICK if given.quick else Work(), on_gpu, given.seconds)
        return
    name = hardware(given.device)
    arguments = ["--device", given.device, *(["--quick"] if given.quick else [])]
    installed = [name for name in FRAMEWORKS if importlib.util.find_spec(name) is not None]
    if not installed:
        fail('neither jax nor torch is installed; pip install "pan-keras[jax]"')
    rows: list[Row] = []
    for framework in FRAMEWORKS:
        if framework not in installed:
            print(f"{framework} is not installed: its rows are marked as not run", file=sys.stderr)
            rows += absent(framework)
            continue
        # Starting and compiling what is last may go beyond the share.
        share = 60 * given.minutes / len(installed) - (20 if given.minutes > 1 else 0)
        rows += run_framework(framework, arguments, share)
    versions = [f"{package}-{metadata.version(package)}" for package in ("keras", *installed)]
    file = "-".join([*name.lower().split(), *versions, *(["quick"] if given.quick else [])])
    output = given.output or ROOT / "export" / "results" / f"gpu-{file}.csv"
    write(rows, output, given.device, given.quick)
    show(rows)
    print(output)


if __name__ == "__main__":
    main()
