"""Benchmark results as a self-contained HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pan_keras.bench.paper_tables import OTHERS, TABLE_I, TABLE_II, Accuracy, fastest
from pan_keras.bench.results import Results, significant
from pan_keras.bench.row import Row, fastest_first
from pan_keras.drawing.figures import svg
from pan_keras.drawing.scatter import Point, scatter_figure
from pan_keras.files import replacing
from pan_keras.reports.html import Html, element, page, section, table

TITLES = {row.method: row.title for row in (*TABLE_II, *TABLE_I)} | OTHERS
HEADER = (
    *("method", "form", "runs on", "threads", "MAC/G", "parameters", "frames/s"),
    *("p50/ms", "p95/ms", "max/ms", "MB", "ratio", "95 % interval"),
)
SPEED = (
    "The fastest float32 form of each method. Frames/s: input frames, N x m per clip, "
    "divided by the time per clip. Both axes are logarithmic. Methods without a count of "
    "multiply-accumulates, some of them faster than PA, are only in the tables."
)


def write_benchmarks(
    found: Mapping[str, Results],
    output: Path | str,
    accuracies: Mapping[str, Accuracy] | None = None,
) -> None:
    """Writes benchmark results as a self-contained page.

    Args:
        found: Results by benchmark, as returned by `pan_keras.bench.suite.measure_all`.
        output: The HTML file.
        accuracies: Top-1 by method of `bench motion`, for the chart of speed against accuracy.

    Raises:
        UserError: If the file cannot be written.
    """
    sections = [_head(next(iter(found.values())))]
    if "motion" in found:
        sections += _charts(found["motion"].rows, accuracies or {})
        sections.append(_paper(found["motion"].rows))
    sections += [_rows(name, results) for name, results in found.items()]
    with replacing(Path(output)) as temporary:
        temporary.write_text(page("Benchmarks", sections), encoding="utf-8")


def _head(results: Results) -> Html:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    facts = [machine["name"], f"{machine.get('cores', '?')} cores", machine.get("started", "")]
    notes = [element("p", " · ".join(filter(None, facts))), element("p", versions)]
    if machine.get("busy"):
        share = machine.get("other_load") or 0
        notes.append(
            element(
                "p",
                f"The machine was busy: other programs took {share:.0%} of its processors. Ratios "
                "of interleaved rounds are valid; times are too long.",
            )
        )
    return element("header", element("h1", "Benchmarks"), notes)


def _charts(rows: Sequence[Row], accuracies: Mapping[str, Accuracy]) -> Iterator[Html]:
    known = {name: row for name in TITLES if (row := fastest(rows, name)) is not None}
    speeds = {name: row.frames_per_second or 0 for name, row in known.items()}
    cost = [
        Point(TITLES[name], row.macs / 1e9, speeds[name], emphasised=name.startswith("pa"))
        for name, row in known.items()
        if row.macs
    ]
    if cost:
        figure = scatter_figure(cost, "multiply-accumulates of a clip, G", "frames/s")
        yield section("Speed against cost", SPEED, Html(svg(figure, "Speed against cost")))
    accurate = [
        Point(
            TITLES[name],
            speeds[name],
            accuracies[name].top1,
            accuracies[name].low,
            accuracies[name].high,
            emphasised=name.startswith("pa"),
        )
        for name in known
        if name in accuracies
    ]
    if accurate:
        figure = scatter_figure(accurate, "frames/s", "top-1", shares=True)
        note = "The same network on each cue, with the 95 % interval over clips and seeds."
        yield section("Speed against accuracy", note, Html(svg(figure, "Speed against accuracy")))


def _paper(rows: Sequence[Row]) -> Html:
    header = ("method", "MAC/G, paper", "frames/s, paper", "frames/s here", "speed / TV-L1 here")
    cells = []
    for paper in (*TABLE_II, TABLE_I[1]):
        row = fastest(rows, paper.method)
        cells.append(
            (
                paper.title,
                f"{paper.macs:g}" if paper.macs else "",
                f"{paper.speed:,}",
                _significant(row.frames_per_second if row else None),
                _significant(row.ratio if row else None),
            )
        )
    note = "The paper measured on a TITAN X; its Tables I and II have more columns."
    return section("Comparison with the paper", note, table(header, cells))


def _rows(name: str, results: Results) -> Html:
    work = results.work
    height, width = work["size"]
    note = (
        f"{work['segments']} x {work['stack']} frames of {height} x {width} pixels, batch "
        f"{work['batch']}. Fastest first; ratio: time of the baseline over that of the row."
    )
    cells = [
        (
            f"{row.method} of depth {row.depth}" if row.depth is not None else row.method,
            " ".join(filter(None, (row.graph, row.precision))),
            " ".join(filter(None, (row.target, row.backend))),
            str(row.threads),
            _number(row.macs and row.macs / 1e9, "{:,.3f}"),
            _number(row.parameters, "{:,}"),
            _significant(row.frames_per_second),
            _significant(row.p50_ms),
            _significant(row.p95_ms),
            _significant(row.max_ms),
            _number(row.memory_mb, "{:,.0f}"),
            _significant(row.ratio),
            " to ".join(filter(None, map(_significant, (row.ratio_low, row.ratio_high)))),
        )
        for row in fastest_first(results.rows)
        if row.p50_ms is not None
    ]
    failed = [
        element("li", f"{row.method} {row.target} {row.graph} {row.precision}: {row.error}")
        for row in results.rows
        if row.error
    ]
    missing = [element("h2", "Not measured"), element("ul", failed)] if failed else []
    return section(name, note, table(HEADER, cells, texts=3), missing)


def _significant(value: float | None) -> str:
    return "" if value is None else significant(value)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
