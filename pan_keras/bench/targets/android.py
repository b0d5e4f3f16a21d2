"""Measures the files of a bundle on an Android device, through adb.

The demo app has a benchmark that adb starts and that needs no interaction; it writes results in
the same format as all benchmarks. A `benchmark_model` binary of TensorFlow Lite can replace it.
"""

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pan_keras.bench.adb import Adb, Battery
from pan_keras.bench.case import Work
from pan_keras.bench.results import Results
from pan_keras.bench.row import Row
from pan_keras.bundle import Bundle, ModelFile
from pan_keras.errors import UserError
from pan_keras.runtime import open_verified

REQUIRES = ()
APP = "pan.demo"
ACTIVITY = f"{APP}/.BenchmarkActivity"
ON_DEVICE = "/data/local/tmp/pan-keras-bench"
RESULTS = f"/sdcard/Android/data/{APP}/files"
NAME = "pan-keras-bench.json"
POLL = 1.0  # seconds
LAST = re.compile(r"count=(\d+) first=\S+ curr=\S+ min=(\S+) max=(\S+) avg=(\S+)(.*)")
MOST_RESULTS = 10_000_000  # bytes


def measure_on_android(
    path: Path | str,
    *,
    serial: str | None = None,
    binary: Path | str | None = None,
    precisions: Sequence[str] = (),
    threads: Sequence[int] = (1, 2, 4),
    seconds: float = 900.0,
    progress: Callable[[str], None] = lambda _: None,
) -> Results:
    """Measures the models of a bundle on an Android device.

    The results include the device's model, Android release, SoC and battery temperature, and, if no
    charger is connected, the energy of the whole measurement in joules.

    Args:
        path: The bundle.
        serial: Serial number; not needed if only one device is connected.
        binary: A `benchmark_model` built for the device, run instead of the app. It feeds random
            bytes, and checks no answer.
        precisions: Some of the bundle's precisions; all if empty.
        threads: Numbers of threads per call; each is measured.
        seconds: Time limit for the whole measurement.
        progress: Called with a line of text about the current step.

    Returns:
        A row per model and number of threads.

    Raises:
        UserError: If the bundle fails its verification, adb or the app is not installed, no device
            is connected, or several without `serial`, or the device delivers no results in time.

    Example:
        >>> results = measure_on_android("runs/mine/bundle", serial="R58M12ABCDE")
        >>> results.machine["soc"], [(row.precision, row.p50_ms) for row in results.rows]
        ('Qualcomm SM8350', [('float32', 31.2), ('int8', 9.8)])
    """
    bundle, adb = open_verified(path), Adb(serial)
    entries = [entry for entry in bundle.entries if not precisions or entry.precision in precisions]
    if not entries:
        raise UserError(f"{path}: has no model in {', '.join(precisions)}; leave out --precision")
    end = time.monotonic() + seconds
    before = adb.battery()
    with _folder_on(adb) as folder:
        if binary is None:
            results = _by_app(adb, bundle, folder, precisions, threads, end, progress)
        else:
            results = _by_binary(adb, bundle, folder, Path(binary), entries, threads, end, progress)
    machine = {**results.machine, **_describe(adb), **_battery_facts(before, adb.battery())}
    parameters = bundle.facts.get("reference", {}).get("parameters")
    rows = tuple(replace(row, target="android", parameters=parameters) for row in results.rows)
    said = {"quick": False, "interrupted": False, **results.work, "baseline": None}
    return Results(machine, said, rows)


@contextmanager
def _folder_on(adb: Adb) -> Iterator[str]:
    """Creates a folder on the device and removes it afterwards."""
    adb.shell("rm", "-rf", ON_DEVICE)
    adb.shell("mkdir", "-p", f"{ON_DEVICE}/bundle")
    try:
        yield ON_DEVICE
    finally:
        adb.answers("rm", "-rf", ON_DEVICE)


def _by_app(
    adb: Adb,
    bundle: Bundle,
    folder: str,
    precisions: Sequence[str],
    threads: Sequence[int],
    end: float,
    progress: Callable[[str], None],
) -> Results:
    """Starts the app's benchmark and fetches the results that it writes."""
    if not adb.answers("pm", "path", APP):
        raise UserError(
            f"android: the demo app is not installed on {adb.serial}; "
            "run make apk, then adb install -r with the file that it prints"
        )
    progress(f"copying {bundle.path} to {adb.serial}")
    adb.push(bundle.path, f"{folder}/bundle")
    # The app runs as another user than the shell.
    adb.shell("chmod", "-R", "a+rX", folder)
    written = f"{RESULTS}/{NAME}"
    adb.shell("rm", "-f", written)
    extras = {"bundle": f"{folder}/bundle", "out": NAME, "threads": ",".join(map(str, threads))}
    if precisions:
        extras["precision"] = ",".join(precisions)
    flags = [part for name, text in extras.items() for part in ("--es", name, text)]
    progress("measuring on the device")
    try:
        said = adb.shell("am", "start", "-n", ACTIVITY, *flags)
        if "Error" in said:
            raise UserError(f"android: the app does not start ({said.strip().splitlines()[-1]})")
        _wait(adb, written, end)
        return _fetch(adb, written)
    finally:
        adb.answers("am", "force-stop", APP)
        adb.answers("rm", "-f", written)


def _wait(adb: Adb, written: str, end: float) -> None:
    """Waits until the app has written its results."""
    gone = 0
    while not adb.answers("test", "-f", written):
        if time.monotonic() > end:
            raise UserError(
                "android: the app gave no results in time; choose fewer models with --precision"
            )
        # The app may take a moment to start; after that, its absence without results is an error.
        gone = 0 if adb.answers("pidof", APP) else gone + 1
        if gone > 5 and not adb.answers("test", "-f", written):
            raise UserError(
                f"android: the app stopped without results; see adb -s {adb.serial} logcat"
            )
        time.sleep(POLL)


def _fetch(adb: Adb, written: str) -> Results:
    """Fetches the results that the app wrote."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / NAME
        adb.pull(written, file)
        try:
            if file.stat().st_size > MOST_RESULTS:
                raise ValueError("the file is too large")
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(
                f"android: the results of the app cannot be read ({error}); measure again"
            ) from None
    if isinstance(content, dict) and isinstance(content.get("error"), str):
        raise UserError(f"android: the app could not measure: {content['error']}")
    return Results.from_json(content, "android: what the app wrote")


def _by_binary(
    adb: Adb,
    bundle: Bundle,
    folder: str,
    binary: Path,
    entries: Sequence[ModelFile],
    threads: Sequence[int],
    end: float,
    progress: Callable[[str], None],
) -> Results:
    """Runs a `benchmark_model` on every TFLite file."""
    if not binary.is_file():
        raise UserError(f"{binary}: no such file; name a benchmark_model built for the device")
    runnable = [entry for entry in entries if entry.format == "tflite"]
    if not runnable:
        raise UserError(
            f"{bundle.path}: benchmark_model runs TFLite files, and this bundle has none"
        )
    program = f"{folder}/benchmark_model"
    adb.push(binary, program)
    adb.shell("chmod", "755", program)
    segments, stack, height, width, _ = bundle.shape.array
    clip = Work(segments, stack, height, width)
    rows = []
    for entry in runnable:
        model = f"{folder}/{entry.file}"
        adb.push(bundle.path / entry.file, model)
        for count in threads:
            progress(f"{entry.file}, threads: {count}")
            command = (program, f"--graph={model}", f"--num_threads={count}", "--use_xnnpack=true")
            left = end - time.monotonic()
            if left <= 0:
                raise UserError(
                    "android: no time is left for all models; choose fewer with --precision"
                )
            # Releases differ in whether they print to standard error or standard output.
            said = adb.shell("sh", "-c", '"$@" 2>&1', "sh", *command, seconds=left)
            work = replace(clip, segments=1) if entry.streaming else clip
            rows.append(_row_of(str(bundle.facts["name"]), entry, count, work, said))
    machine = {
        "name": adb.serial,
        "versions": {},
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Results(machine, {"benchmark": "model", **clip.to_json()}, tuple(rows))


def _row_of(name: str, entry: ModelFile, threads: int, work: Work, said: str) -> Row:
    """Parses the final times of `benchmark_model`, in microseconds."""
    found = LAST.findall(said)
    if not found:
        raise UserError(
            f"{entry.file}: benchmark_model printed no times; use one built for this device"
        )
    count, _, slowest, mean, more = found[-1]
    quantiles = dict(re.findall(r"(p5|median|p95)=(\S+)", more))
    middle = float(quantiles.get("median", mean)) / 1000
    return Row(
        name,
        None,
        "step" if entry.streaming else "fast",
        entry.precision,
        "android",
        threads,
        backend="benchmark_model",
        device="cpu",
        pairs_per_second=1000 * work.pairs / middle,
        frames_per_second=1000 * work.frames / middle,
        p5_ms=float(quantiles["p5"]) / 1000 if "p5" in quantiles else None,
        p50_ms=middle,
        p95_ms=float(quantiles["p95"]) / 1000 if "p95" in quantiles else None,
        max_ms=float(slowest) / 1000,
        samples=int(count),
        milliseconds={"run": middle},
        facts={"file": entry.file},
        note="" if "median" in quantiles else "mean, since this benchmark_model prints no median",
    )


def _describe(adb: Adb) -> dict[str, Any]:
    """Describes the device, without its serial number."""
    known = adb.properties()

    def say(*names: str) -> str:
        return " ".join(filter(None, (known.get(name) for name in names)))

    release, level = say("ro.build.version.release"), say("ro.build.version.sdk")
    return {
        "name": say("ro.product.manufacturer", "ro.product.model") or "unknown",
        "platform": f"Android {release}, API {level}",
        # Known since Android 12; the board is the closest earlier property.
        "soc": say("ro.soc.manufacturer", "ro.soc.model") or say("ro.board.platform") or None,
    }


def _battery_facts(before: Battery, after: Battery) -> dict[str, Any]:
    joules = after.joules_since(before)
    return {
        "battery_celsius_before": before.celsius,
        "battery_celsius_after": after.celsius,
        "unplugged": after.unplugged,
        "energy_joules": None if joules is None else round(joules, 1),
    }
