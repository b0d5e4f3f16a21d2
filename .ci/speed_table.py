"""Writes the speed tables of the README from the files of results that it names."""

from pathlib import Path

from pan_keras.bench.paper_tables import with_speed_tables

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    file = ROOT / "README.md"
    text = file.read_text(encoding="utf-8")
    file.write_text(with_speed_tables(text, ROOT / "export" / "results"), encoding="utf-8")
