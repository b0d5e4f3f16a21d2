"""Writes the tables of the documents from the results files they name."""

from pathlib import Path

from pan_keras.bench.document_tables import with_tables

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = file.read_text(encoding="utf-8")
        made = with_tables(text, ROOT / "export" / "results")
        if made != text:
            file.write_text(made, encoding="utf-8")
