"""A comparison as pictures: the classes that differ most, and accuracy over cost."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pan_keras.drawing.colours import PALETTE, SERIES
from pan_keras.drawing.figures import plain
from pan_keras.evaluation.comparison import Comparison

CLASSES = 5


def classes_figure(comparison: Comparison) -> Figure:
    """The five classes whose accuracy differs most between the runs.

    References:
        PAN paper, Fig. 5 (top).
    """
    return _figure(comparison, draw_classes)


def cost_figure(comparison: Comparison) -> Figure:
    """Accuracy with its interval over the multiply-accumulates of a view."""
    return _figure(comparison, draw_cost)


def comparison_figure(comparison: Comparison) -> Figure:
    """Both, side by side."""
    return _figure(comparison, draw_classes, draw_cost)


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


def draw_classes(axes: Axes, comparison: Comparison) -> None:
    """Draws a group of bars for each class, a bar a run."""
    shown, count = comparison.classes[:CLASSES], len(comparison.runs)
    width = 0.8 / count
    for number, run in enumerate(comparison.runs):
        places = np.arange(len(shown)) + (number - (count - 1) / 2) * width
        shares = [each.accuracies[number] for each in shown]
        axes.bar(places, shares, 0.92 * width, color=SERIES[number % len(SERIES)], label=run.name)
    _prepare(axes, "accuracy by class", [each.name for each in shown])
    axes.set_ylim(0, 1)


def draw_cost(axes: Axes, comparison: Comparison) -> None:
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
    axes.set_xlabel("G multiply-accumulates a view", color=PALETTE["muted"])
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
