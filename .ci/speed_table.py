"""Writes the speed tables of README.md and docs/bench.md from the results files they name."""

from pathlib import Path

from pan_keras.bench.document_tables import with_tables
from pan_keras.bench.paper_tables import with_speed_tables

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "export" / "results"

if __name__ == "__main__":
    for name, made in {"README.md": with_speed_tables, "docs/bench.md": with_tables}.items():
        file = ROOT / name
        text = file.read_text(encoding="utf-8")
        file.write_text(made(text, RESULTS), encoding="utf-8")
