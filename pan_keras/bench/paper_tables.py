"""Writes the paper's Tables I and II in Markdown, with the results measured here."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pan_keras.bench.results import Results, significant
from pan_keras.bench.row import Row
from pan_keras.errors import UserError
from pan_keras.printable import in_markdown


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's Table I or II.

    Attributes:
        title: Name in the paper.
        method: Name in `pan-keras bench motion`.
        macs: The paper's FLOPs, which are multiply-accumulates, in billions.
        parameters: Parameters in thousands.
        speed: Frames per second on a TITAN X.
        accuracy: Top-1 on UCF101 split 1, as a fraction.
    """

    title: str
    method: str
    macs: float | None
    parameters: float | None
    speed: int
    accuracy: float


TABLE_I = (
    PaperRow("e1: PA as motion cue", "pa", 2.868, 1.184, 8196, 0.895),
    PaperRow("e2: PA as attention", "pa_e2", 2.884, 1.184, 6752, 0.880),
)
TABLE_II = (
    PaperRow("TV-L1", "tvl1", None, None, 8, 0.882),
    PaperRow("FlowNetS", "flownet_s", 356, 38_700, 204, 0.868),
    PaperRow("FlowNetC", "flownet_c", 444, 39_200, 151, 0.873),
    PaperRow("FlowNet2.0", "flownet2", 2019, 162_500, 25, 0.877),
    PaperRow("PA", "pa", 2.868, 1.184, 8196, 0.895),
)
OTHERS = {
    "farneback": "Farneback",
    "dis_medium": "DIS medium",
    "dis_fast": "DIS fast",
    "dis_ultrafast": "DIS ultrafast",
    "raft_small": "RAFT-small",
    "vectors": "codec vectors, over decoding",
    "difference": "RGB difference",
}


@dataclass(frozen=True)
class Accuracy:
    """Top-1 accuracy of networks trained on a motion cue.

    Attributes:
        top1: Mean over the seeds, as a fraction.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        seeds: Number of networks trained.
    """

    top1: float
    low: float
    high: float
    seeds: int

    def to_text(self) -> str:
        """Formats the percentage with its interval."""
        return f"{self.top1:.1%} ({self.low:.1%} to {self.high:.1%}, {self.seeds} seeds)"


def read_accuracies(path: Path | str) -> dict[str, Accuracy]:
    """Reads accuracy by method from the results of `pan-keras ablation --networks motion`.

    Args:
        path: Its `results.csv`, or the folder of that file.

    Raises:
        UserError: If there is no such file, or it has no method of `pan-keras bench motion`.
    """
    file = Path(path) / "results.csv" if Path(path).is_dir() else Path(path)
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
        return {
            row["method"]: Accuracy(
                float(row["top1"]), float(row["low"]), float(row["high"]), len(row["seeds"].split())
            )
            for row in rows
            # The depths of PA have a separate table.
            if row["method"] and "motion_depth" not in row["settings"]
        }
    except OSError as error:
        raise UserError(
            f"{file}: not readable ({error.strerror}); give what pan-keras ablation wrote"
        ) from None
    except (KeyError, ValueError, csv.Error):
        raise UserError(
            f"{file}: not a table of accuracies; give results.csv of pan-keras ablation "
            "--networks motion"
        ) from None


def fastest(rows: Iterable[Row], method: str, precision: str = "float32") -> Row | None:
    """Returns a method's fastest row in a precision; for PA, at the paper's depth.

    Args:
        rows: Rows of `pan-keras bench motion`.
        method: Name of the method.
        precision: Precision of the arithmetic.
    """
    found = [
        row
        for row in rows
        if (row.method, row.precision) == (method, precision)
        and row.p50_ms is not None
        and row.depth in (None, 1)
    ]
    return min(found, key=lambda row: row.p50_ms or 0, default=None)


def paper_tables(results: Results, accuracies: Mapping[str, Accuracy] | None = None) -> str:
    """Writes Tables I and II in Markdown, the paper's numbers beside those measured.

    Args:
        results: Results of `pan-keras bench motion`.
        accuracies: Accuracies by method, as returned by `read_accuracies`.
    """
    known = accuracies or {}
    lines = [
        "Columns marked `paper` are the paper's: speed on a TITAN X, accuracy on UCF101 split 1. "
        "The "
        f"others were measured on {in_markdown(results.machine['name'])} with the fastest "
        "float32 form "
        "of each method. Frames/s: input frames, N x m per clip, divided by the time per clip.",
    ]
    if results.machine.get("busy"):
        lines += ["", "**The machine was busy: times are too long, ratios are valid.**"]
    for title, table, others in (("Table I", TABLE_I, {}), ("Table II", TABLE_II, OTHERS)):
        lines += ["", f"## {title}", "", *_table(table, others, results.rows, known)]
    return "\n".join(lines) + "\n"


def _table(
    table: Sequence[PaperRow],
    others: Mapping[str, str],
    rows: Sequence[Row],
    accuracies: Mapping[str, Accuracy],
) -> list[str]:
    lines = [
        "| Method | MAC, paper | MAC | Parameters, paper | Parameters | Frames/s, paper | Frames/s "
        "| Speed / TV-L1, paper | Speed / TV-L1 (95 % interval) | Top-1, paper | Top-1 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    slowest = TABLE_II[0].speed
    for paper in table:
        theirs = [
            f"{paper.macs:g} G" if paper.macs else "",
            f"{paper.parameters:g} k" if paper.parameters else "",
            f"{paper.speed:,}",
            f"{paper.speed / slowest:,.0f}",
            f"{paper.accuracy:.1%}",
        ]
        lines.append(_line(paper.title, paper.method, theirs, rows, accuracies))
    for method, title in others.items():
        lines.append(_line(title, method, [""] * 5, rows, accuracies))
    return lines


def _line(
    title: str,
    method: str,
    theirs: Sequence[str],
    rows: Sequence[Row],
    accuracies: Mapping[str, Accuracy],
) -> str:
    row = fastest(rows, method)
    ratio = ours = macs = parameters = ""
    if row is not None:
        ours = significant(row.frames_per_second or 0)
        macs = f"{row.macs / 1e9:.4g} G" if row.macs else ""
        parameters = f"{row.parameters / 1e3:,.6g} k" if row.parameters else ""
        if row.ratio is not None:
            ends = f"{significant(row.ratio_low or 0)} to {significant(row.ratio_high or 0)}"
            ratio = f"{significant(row.ratio)} ({ends})"
    top1 = accuracies[method].to_text() if method in accuracies else ""
    cells = [theirs[0], macs, theirs[1], parameters, theirs[2], ours, theirs[3], ratio, theirs[4]]
    return "| " + " | ".join([title, *cells, top1]) + " |"
