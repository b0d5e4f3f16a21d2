"""Measured rows with the machine and the work, as text, JSON and CSV."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path
from typing import Any

from pan_keras.bench.benchmark import Benchmark
from pan_keras.bench.file_benchmarks import FileBenchmarks
from pan_keras.bench.machine import BUSY, OtherLoad, describe_machine, load
from pan_keras.bench.row import Row, fastest_first
from pan_keras.errors import UserError

SCHEMA = Path(__file__).with_name("results.schema.json")
NESTED = ("milliseconds", "facts")
# Columns of no interest in a benchmark.
HIDDEN = {
    "motion": ("clips_per_second",),
    "decode": ("pairs_per_second",),
    "video": ("pairs_per_second", "frames_per_second"),
    "train-step": ("pairs_per_second",),
    "peers": ("clips_per_second", "pairs_per_second", "frames_per_second"),
}
COLUMNS = (
    ("MAC/G", "macs", 1e-9),
    ("parameters", "parameters", 1),
    ("clips/s", "clips_per_second", 1),
    ("pairs/s", "pairs_per_second", 1),
    ("frames/s", "frames_per_second", 1),
    ("p50/ms", "p50_ms", 1),
    ("p95/ms", "p95_ms", 1),
    ("max/ms", "max_ms", 1),
    ("CPU/ms", "processor_ms", 1),
    ("MB", "memory_mb", 1),
)


@dataclass(frozen=True)
class Results:
    """The results of a benchmark.

    Attributes:
        machine: As returned by `pan_keras.bench.machine.describe_machine`, with the load before and
            after, and whether other programs kept it `busy`.
        work: The frames of a call, the name of the benchmark, and whether it was `interrupted`.
        rows: One per case.
    """

    machine: Mapping[str, Any]
    work: Mapping[str, Any]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the results as a JSON object that follows `results.schema.json`."""
        return {
            "machine": dict(self.machine),
            "work": dict(self.work),
            "rows": [row.to_json() for row in self.rows],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], name: str = "results") -> "Results":
        """Reads results as `to_json` returns them or the app on a phone writes them.

        Args:
            content: The JSON object.
            name: What error messages call it.

        Raises:
            UserError: If the object does not follow the schema.
        """
        import jsonschema  # noqa: PLC0415

        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        error = next(iter(jsonschema.Draft202012Validator(schema).iter_errors(content)), None)
        if error is not None:
            raise UserError(
                f"{name}: does not follow the schema of results ({error.message}); measure again"
            )
        known = {each.name for each in fields(Row)}
        rows = [
            Row(**{"depth": None, **{key: row[key] for key in row if key in known}})
            for row in content["rows"]
        ]
        return cls(content["machine"], content["work"], tuple(rows))

    def to_csv(self) -> str:
        """Writes one CSV line per row; the stage times and facts are JSON in their cells."""
        file = io.StringIO()
        names = [each.name for each in fields(Row)]
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in self.rows:
            cells = row.to_json()
            for name in NESTED:
                cells[name] = json.dumps(cells[name]) if cells[name] else ""
            writer.writerow("" if cells[name] is None else cells[name] for name in names)
        return file.getvalue()

    def to_text(self) -> str:
        """Formats a table, fastest first, and below it why some rows have no time."""
        lines = [self._headline()]
        timed = [row for row in fastest_first(self.rows) if row.p50_ms is not None]
        if self.work.get("files"):
            order = [row.graph for row in self.rows]
            timed.sort(key=lambda row: order.index(row.graph))
        if timed:
            lines += _aligned(_table(timed, self.work))
            lines += _inner_parts(timed)
        untimed = sorted((row for row in self.rows if row.error), key=lambda row: row.error or "")
        for error, alike in groupby(untimed, key=lambda row: row.error):
            lines += [f"not measured: {error}", f"  {', '.join(map(_title, alike))}"]
        if self.machine.get("busy"):
            share = self.machine.get("other_load")
            lines.append(
                f"The machine was busy: other programs took {share:.0%} of its processors. "
                "Ratios of interleaved rounds are valid; times are too long."
            )
        if self.work.get("interrupted"):
            lines.append("Interrupted: these are the results of the rounds so far.")
        return "\n".join(lines)

    def _headline(self) -> str:
        work = self.work
        height, width = work["size"]
        frames = f"{work['segments']}x{work['stack']} frames"
        if not work["frames"]:
            return f"{work['benchmark']}; {self.machine['name']}"
        if files := work.get("files"):
            frames += f" of {len(files)} file{'s' if len(files) > 1 else ''}"
        else:
            frames += f" of {height}x{width} px ({work['pairs']} pairs)"
        return f"{work['benchmark']}, {frames}; {self.machine['name']}"


def measured_results(benchmark: Benchmark | FileBenchmarks, work: Mapping[str, Any]) -> Results:
    """Runs a benchmark and describes the machine before and after.

    Args:
        benchmark: The benchmark to run.
        work: Describes its work.
    """
    machine, others = describe_machine(), OtherLoad()
    rows = benchmark.run()
    share = others()
    machine |= {
        "load_after": load(),
        "other_load": share,
        "busy": None if share is None else share > BUSY,
    }
    return Results(machine, {**work, "interrupted": benchmark.interrupted}, tuple(rows))


def significant(value: float) -> str:
    """Formats a number with four significant digits and thousands separators.

    Example:
        >>> significant(1234.5), significant(0.012345)
        ('1,234', '0.01234')
    """
    rounded = float(f"{value:.4g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 1000 else f"{rounded:g}"


def _common_parts(rows: Sequence[Row]) -> list[str]:
    """Selects the parts of a call that get a column; other columns have the time of `run`."""
    names = dict.fromkeys(name for row in rows for name in row.milliseconds if name != "run")
    return [name for name in names if sum(name in row.milliseconds for row in rows) > len(rows) / 2]


def _inner_parts(rows: Sequence[Row]) -> list[str]:
    """Lists the times of a model's parts, for the rows that have them."""
    lines = []
    for row in rows:
        found = row.facts.get("parts")
        if found:
            lines.append(f"parts of {_title(row)}, ms:")
            lines += [f"  {name:26}{value:9.2f}" for name, value in found.items()]
    return lines


def _table(rows: Sequence[Row], work: Mapping[str, Any]) -> list[list[str]]:
    """Returns the header and the cells, without columns that are empty in all rows."""
    hidden = HIDDEN.get(work["benchmark"], ())
    shown = [
        column
        for column in COLUMNS
        if column[1] not in hidden and any(getattr(row, column[1]) is not None for row in rows)
    ]
    parts = _common_parts(rows)
    baseline = work.get("baseline")
    header = [
        "",
        "threads",
        *(title for title, *_ in shown),
        *(f"{part.replace('_', ' ')}/ms" for part in parts),
    ]
    table = [[*header, *([f"{baseline}/it", "95 % interval"] if baseline else [])]]
    for row in rows:
        values = [(getattr(row, name), factor) for _, name, factor in shown]
        values += [(row.milliseconds.get(part), 1) for part in parts]
        cells = ["" if value is None else significant(factor * value) for value, factor in values]
        ratio = []
        if baseline:
            known = row.ratio is not None
            ends = (significant(end or 0) for end in (row.ratio_low, row.ratio_high))
            ratio.append(significant(row.ratio or 0) if known else "")
            ratio.append(" to ".join(ends) if known else "")
        table.append([_title(row), str(row.threads), *cells, *ratio])
    return table


def _title(row: Row) -> str:
    depth = f"depth {row.depth}" if row.depth is not None else ""
    batch = f"batch {row.batch}" if row.batch > 1 else ""
    return " ".join(filter(None, (row.method, depth, row.target, row.graph, row.precision, batch)))


def _aligned(table: list[list[str]]) -> list[str]:
    """Aligns a table whose first column is text, and returns its lines."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in table
    ]
