"""Measures the size of an installation of pan-keras with each extra.

    python .ci/sizes.py WHEEL [EXTRA[,EXTRA...]...]

Writes export/results/installation.csv: for each set of extras the number of packages, the megabytes
on disk (compiled Python included, pip not) and the milliseconds of processor time of
`import pan_keras`.
"""

import csv
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "export" / "results" / "installation.csv"
# CUDA and PyTorch, some gigabytes each, are measured only on request.
EXTRAS = (
    "",
    "litert",
    "onnx",
    "video",
    "litert,video",
    "onnx,video",
    "pictures",
    "jax",
    "train",
    "all",
)
REPEATS = 15


def measure(wheel: Path, extras: str) -> dict[str, object]:
    """Installs extras into a new environment and measures it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        python = Path(folder) / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", python]
        what = f"{wheel}[{extras}]" if extras else wheel
        pinned = ["--constraint", ROOT / "constraints.txt"]
        subprocess.run([*pip, "install", "--quiet", *pinned, what], check=True)
        listed = subprocess.run(
            [*pip, "list", "--format", "json"], check=True, capture_output=True, text=True
        )
        (packages,) = Path(folder).glob("lib/*/site-packages")
        disk = sum(path.lstat().st_blocks * 512 for path in packages.rglob("*"))
        return {
            "extras": extras,
            "packages": len(json.loads(listed.stdout)),
            "installed_mb": round(disk / 2**20),
            "import_ms": round(milliseconds(python, "import pan_keras")),
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
        }


def milliseconds(python: Path, program: str) -> float:
    """Additional processor time of Python with a program, from medians of interleaved runs."""
    times: dict[str, list[float]] = {program: [], "pass": []}
    for _ in range(REPEATS):
        for code, taken in times.items():
            before = used()
            subprocess.run([python, "-c", code], check=True, cwd=python.parent)
            taken.append(used() - before)
    return 1000 * (statistics.median(times[program]) - statistics.median(times["pass"]))


def used() -> float:
    """Processor time of all finished child processes in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    rows = [measure(Path(sys.argv[1]).resolve(), extras) for extras in sys.argv[2:] or EXTRAS]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
