"""Generates tables of `docs/bench.md` from committed results: whole videos and other networks."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pan_keras.bench.peers import ANSWERS
from pan_keras.errors import UserError

TABLE = re.compile(
    r"(<!-- (video|peers) table: (\S+\.csv) -->)\n.*?(<!-- end of table -->)", re.DOTALL
)
FORMS = {"fast": "clip"}


def video_table(records: Sequence[Mapping[str, str]]) -> str:
    """Returns a Markdown table of milliseconds from a file to a label, fastest first.

    Args:
        records: Rows of a CSV file of `pan-keras bench video`, as dictionaries by column.
    """
    lines = [
        "| Method | Precision | ms | decode | motion | network | PAN_Lite / method, 95 % "
        "interval |",
        "|---|---|---|---|---|---|---|",
    ]
    found = [record for record in records if record["benchmark"] == "video" and record["p50_ms"]]
    for record in sorted(found, key=lambda each: (each["precision"], float(each["p50_ms"]))):
        parts = json.loads(record["milliseconds"])
        times = [
            float(record["p50_ms"]),
            *(parts[name] for name in ("decode", "motion", "network")),
        ]
        ratio, low, high = (float(record[name]) for name in ("ratio", "ratio_low", "ratio_high"))
        cells = " | ".join(f"{value:,.0f}" for value in times)
        lines.append(
            f"| `{record['method']}` | {record['precision']} | {cells} | "
            f"{ratio:.3g}, {low:.3g} to {high:.3g} |"
        )
    return "\n".join(lines) + "\n"


def peers_table(records: Sequence[Mapping[str, str]]) -> str:
    """Returns a Markdown table of processor time, cheapest at five answers per second first.

    Args:
        records: Rows of a CSV file of `pan-keras bench peers`, as dictionaries by column.
    """
    lines = [
        "| Network | Input | MACs, M | Parameters, M | MB | ms per answer | ms per second of "
        "video | "
        f"ms per second at {ANSWERS:g} answers |",
        "|---|---|---|---|---|---|---|---|",
    ]
    found = [record for record in records if record["benchmark"] == "peers" and record["p50_ms"]]
    for record in sorted(found, key=lambda each: float(each["p50_ms"])):
        facts = json.loads(record["facts"])
        form = FORMS.get(record["graph"], record["graph"])
        numbers = [
            f"{float(record['macs']) / 1e6:,.0f}",
            f"{float(record['parameters']) / 1e6:.2f}",
            f"{facts['bytes'] / 1e6:.1f}",
            f"{float(record['p50_ms']):.2f}",
            f"{facts['ms_per_second']:.1f} ({facts['answers_per_second']:g}/s)",
            f"{facts['ms_per_second_at_5']:.1f}",
        ]
        name = f"`{record['method']}` {record['precision']}"
        lines.append(f"| {name} | {form} | {' | '.join(numbers)} |")
    return "\n".join(lines) + "\n"


def with_tables(text: str, folder: Path) -> str:
    """Returns a document with its tables regenerated from the files that they name.

    A table stands between `<!-- video table: NAME.csv -->`, or `peers`, and
    `<!-- end of table -->`.

    Args:
        text: The document.
        folder: Folder of the files.

    Raises:
        UserError: If a file is missing or does not contain results of that benchmark.
    """

    def made(found: re.Match[str]) -> str:
        file = folder / found[3]
        try:
            with file.open(encoding="utf-8", newline="") as opened:
                records = list(csv.DictReader(opened))
            table = (video_table if found[2] == "video" else peers_table)(records)
        except OSError as error:
            raise UserError(f"{file}: not readable ({error.strerror}); commit results") from None
        except (KeyError, ValueError):
            raise UserError(f"{file}: not a results file; commit one") from None
        busy = any(record["busy"] == "true" for record in records)
        note = (
            "\nOther programs were running: ratios are valid, times are too long.\n" if busy else ""
        )
        return f"{found[1]}\n{table}{note}{found[4]}"

    return TABLE.sub(made, text)
