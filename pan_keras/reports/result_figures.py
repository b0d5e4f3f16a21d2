"""Figures of results: accuracy per class, accuracy over cost, ablations."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pan_keras.drawing.colours import PALETTE, SERIES
from pan_keras.drawing.figures import pixels, plain
from pan_keras.drawing.panels import png
from pan_keras.evaluation.ablation import Row
from pan_keras.evaluation.comparison import Comparison
from pan_keras.files import replacing

CLASSES = 5
SMALLEST_CIRCLE, LARGEST_CIRCLE = 20, 2500  # square points


def classes_figure(comparison: Comparison) -> Figure:
    """Draws the five classes whose accuracy differs most between the runs.

    References:
        PAN paper, Fig. 5 (top).
    """
    return _figure(comparison, _draw_classes)


def cost_figure(comparison: Comparison) -> Figure:
    """Draws accuracy with its interval over the multiply-accumulates per view."""
    return _figure(comparison, _draw_cost)


def comparison_figure(comparison: Comparison) -> Figure:
    """Draws `classes_figure` and `cost_figure` side by side."""
    return _figure(comparison, _draw_classes, _draw_cost)


def ablation_figure(rows: Sequence[Row]) -> Figure:
    """Draws the mean top-1 of each network, with a dot per seed and the 95 % interval as a line.

    Args:
        rows: One per network, from top to bottom.
    """
    figure = Figure(figsize=(7.0, 0.9 + 0.36 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        axes.barh(place, row.mean, height=0.62, color=PALETTE["accent"], alpha=0.25)
        if len(row.accuracies) > 1:
            axes.plot(row.interval, (place, place), color=PALETTE["ink"], linewidth=1.2)
        for share in row.accuracies:
            axes.plot(share, place, "o", color=PALETTE["accent"], markersize=3.5)
    axes.set_yticks(range(len(rows)), [row.variant.name for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("top-1 on test clips: mean, seeds, 95 % interval", color=PALETTE["muted"])
    axes.tick_params(colors=PALETTE["ink"], labelsize=9, length=0)
    axes.grid(axis="x", color=PALETTE["line"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return figure


def circles_figure(rows: Sequence[Row]) -> Figure:
    """Draws the mean top-1 of each network as a circle whose area is the cost of PA.

    The 95 % interval is a line. Circles have a minimum size, for costs near zero.

    Args:
        rows: One per network with its cost, from left to right.

    References:
        PAN paper, Fig. 2-B.
    """
    figure = Figure(figsize=(1.2 + 1.2 * len(rows), 3.8), layout="constrained")
    axes = figure.subplots()
    costs = [row.figures["motion_macs"] or 0 for row in rows]
    for place, (row, macs) in enumerate(zip(rows, costs, strict=True)):
        if len(row.accuracies) > 1:
            axes.plot((place, place), row.interval, color=PALETTE["ink"], linewidth=1.2)
        area = SMALLEST_CIRCLE + LARGEST_CIRCLE * macs / max(*costs, 1)
        axes.scatter(place, row.mean, s=area, color=PALETTE["accent"], alpha=0.5)
        text = f"{row.mean:.1%}\n{macs / 1e9:.2f} G"
        axes.annotate(text, (place, row.mean), ha="center", va="center", fontsize=8)
    _prepare(axes, "top-1 on test clips; area: multiply-accumulates of PA")
    axes.set_xticks(range(len(rows)), [row.variant.name for row in rows])
    axes.set_xlim(-0.7, len(rows) - 0.3)
    axes.set_ylim(0, 1.1)
    return figure


def write_ablation_figure(rows: Sequence[Row], path: Path, *, circles: bool = False) -> None:
    """Writes the figure of an ablation as a PNG file.

    Args:
        rows: One per network, from top to bottom, or from left to right for circles.
        path: File to write.
        circles: Whether to draw `circles_figure` instead of `ablation_figure`.
    """
    figure = circles_figure(rows) if circles else ablation_figure(rows)
    with replacing(path) as temporary:
        temporary.write_bytes(png(pixels(figure, 144)))


def _figure(comparison: Comparison, *drawings: Callable[[Axes, Comparison], None]) -> Figure:
    figure = Figure(figsize=(4.9 * len(drawings), 3.6), layout="constrained")
    every = figure.subplots(1, len(drawings), squeeze=False)[0]
    for axes, draw in zip(every, drawings, strict=True):
        draw(axes, comparison)
    legend = figure.legend(
        *every[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=min(3, len(comparison.runs)),
        frameon=False,
        labelcolor=PALETTE["ink"],
    )
    for text in legend.get_texts():
        text.set(parse_math=False)
    return figure


def _draw_classes(axes: Axes, comparison: Comparison) -> None:
    """Draws a group of bars per class, one bar per run."""
    shown, count = comparison.classes[:CLASSES], len(comparison.runs)
    width = 0.8 / count
    for number, run in enumerate(comparison.runs):
        places = np.arange(len(shown)) + (number - (count - 1) / 2) * width
        shares = [each.accuracies[number] for each in shown]
        axes.bar(places, shares, 0.92 * width, color=SERIES[number % len(SERIES)], label=run.name)
    _prepare(axes, "accuracy by class", [each.name for each in shown])
    axes.set_ylim(0, 1)


def _draw_cost(axes: Axes, comparison: Comparison) -> None:
    """Draws each run as a point with its 95 % interval."""
    for number, run in enumerate(comparison.runs):
        low, high = run.interval
        axes.errorbar(
            run.macs / 1e9,
            run.top1,
            yerr=[[run.top1 - low], [high - run.top1]],
            fmt="o",
            capsize=3,
            color=SERIES[number % len(SERIES)],
            label=run.name,
        )
    _prepare(axes, "top-1 accuracy, 95 % interval")
    axes.set_xlabel("G multiply-accumulates per view", color=PALETTE["muted"])
    axes.set_xlim(left=0, right=1.15 * max(run.macs for run in comparison.runs) / 1e9)
    axes.set_ylim(0, 1.02)


def _prepare(axes: Axes, title: str, names: list[str] | None = None) -> None:
    plain(axes)
    axes.set_title(title, loc="left", color=PALETTE["ink"], fontsize=11)
    axes.grid(axis="y", color=PALETTE["line"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    if names is not None:
        short = [name if len(name) <= 18 else name[:17] + "…" for name in names]
        axes.set_xticks(range(len(short)), short, rotation=20, ha="right")
    for label in axes.get_xticklabels():
        label.set(parse_math=False)
