"""The figure of an ablation: a bar per network, with the interval of its mean."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pan_keras.drawing.colours import PALETTE
from pan_keras.drawing.figures import pixels
from pan_keras.drawing.panels import png
from pan_keras.evaluation.ablation import Row
from pan_keras.files import replacing


def ablation_figure(rows: Sequence[Row]) -> Figure:
    """Mean top-1 of each network, every seed as a dot, the 95 % interval as a line.

    Args:
        rows: One per network, drawn from the top.
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


def write_ablation_figure(rows: Sequence[Row], path: Path) -> None:
    """Writes the figure as a PNG file.

    Args:
        rows: One per network, drawn from the top.
        path: File to write.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(png(pixels(ablation_figure(rows), 144)))
