"""Draws figures with matplotlib, as pixels or as SVG with the colours of the surrounding page."""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from pan_keras.drawing.colours import PALETTE

METADATA = ("Creator", "Date", "Format", "Type")  # SVG metadata to omit inside a page
NUMBERED = 30  # maximum number of classes for counts in a confusion matrix


def curve_figure(metrics: Sequence[Mapping[str, float]], name: str) -> Figure:
    """Draws a metric of training and validation over the epochs.

    Args:
        metrics: One row per epoch with `epoch`, the metric and, with validation, the metric with
            prefix `val_`.
        name: `loss` or `accuracy`.
    """
    figure = Figure(figsize=(5.2, 3.0), layout="constrained")
    axes = figure.subplots()
    plain(axes)
    axes.set_title(name, loc="left", color=PALETTE["ink"], fontsize=11)
    axes.set_xlabel("epoch", color=PALETTE["muted"])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.grid(axis="y", color=PALETTE["line"], linewidth=0.8)
    marker = "o" if len(metrics) < 3 else None
    for key, label, colour in ((name, "train", "accent"), (f"val_{name}", "val", "second")):
        rows = [row for row in metrics if key in row]
        if rows:
            epochs, values = [row["epoch"] for row in rows], [row[key] for row in rows]
            axes.plot(epochs, values, color=PALETTE[colour], label=label, marker=marker)
    axes.set_ylim(bottom=0)
    if name == "accuracy":
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.legend(frameon=False, labelcolor=PALETTE["ink"])
    return figure


def confusion_figure(confusion: np.ndarray, classes: Sequence[str]) -> Figure:
    """Draws a confusion matrix: one row per true class, shaded by share.

    Args:
        confusion: `(classes, classes)` counts, row = ground truth, column = prediction.
        classes: Names of the classes.

    Returns:
        A figure that grows with the number of classes.
    """
    count = len(classes)
    side = float(np.clip(0.42 * count, 2.8, 11.0))
    longest = min(max(len(name) for name in classes), 24)
    figure = Figure(figsize=(side + 0.09 * longest + 0.5,) * 2, layout="constrained")
    axes = figure.subplots()
    plain(axes)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    filled = list(zip(*np.nonzero(confusion), strict=True))
    shades = [
        (*mpl.colors.to_rgb(PALETTE["accent"]), 0.08 + 0.92 * shares[i, j]) for i, j in filled
    ]
    cells = [Rectangle((j - 0.5, i - 0.5), 1, 1) for i, j in filled]
    axes.add_collection(PatchCollection(cells, facecolors=shades, edgecolors="none"))
    size = float(np.clip(72 * side / count * 0.5, 3.0, 9.0))
    if count <= NUMBERED:
        for i, j in filled:
            colour = PALETTE["paper" if shares[i, j] > 0.75 else "ink"]
            text = str(confusion[i, j])
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=size)
    names = [name if len(name) <= 24 else name[:23] + "…" for name in classes]
    axes.set_xticks(range(count), names, rotation=90)
    axes.set_yticks(range(count), names)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set(fontsize=size, color=PALETTE["ink"], parse_math=False)
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), aspect="equal")
    axes.set_xlabel("predicted", color=PALETTE["muted"])
    axes.set_ylabel("truth", color=PALETTE["muted"])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
    return figure


def pixels(figure: Figure, dots_per_inch: int = 100) -> np.ndarray:
    """Renders a figure as an RGB picture on white, uint8 `(H, W, 3)`."""
    figure.set_dpi(dots_per_inch)
    canvas = FigureCanvasAgg(figure)
    with _any_glyph():
        canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def svg(figure: Figure, title: str) -> str:
    """Renders a figure as an SVG element for an HTML page.

    Args:
        figure: A figure in the colours of `PALETTE`.
        title: Title for screen readers, plain text.

    Returns:
        The element: scalable, without background, with CSS variables such as `var(--ink)` as
        colours, and with text as text.
    """
    file = io.StringIO()
    figure.patch.set_alpha(0)
    # The salt makes identifiers reproducible; fonttype "none" keeps text as text.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}), _any_glyph():
        FigureCanvasSVG(figure).print_figure(file, format="svg", metadata=dict.fromkeys(METADATA))
    drawing = file.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    for name, colour in PALETTE.items():
        drawing = drawing.replace(colour, f"var(--{name})")
    drawing = re.sub(r"<style.*?</style>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"font-family: [^;\"]*", "font-family: inherit", drawing)
    drawing = re.sub(r' id="[a-z]\w*_\d+"', "", drawing)  # not unique across figures
    drawing = re.sub(r' xmlns(:xlink)?="[^"]*"', "", drawing).replace("xlink:href", "href")
    width = re.search(r'width="([\d.]+)pt"', drawing)
    assert width, "matplotlib states the width of an SVG in points"
    style = f'role="img" aria-label="{title}" style="max-width: {float(width[1]) * 4 / 3:.0f}px"'
    return re.sub(r' width="[\d.]+pt"', "", drawing, count=1).replace("<svg", f"<svg {style}", 1)


def plain(axes: Axes) -> None:
    """Removes spines and ticks that a plain figure does not need."""
    axes.patch.set_alpha(0)
    axes.tick_params(colors=PALETTE["muted"], labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(PALETTE["line"])


@contextmanager
def _any_glyph():
    # Class names may be in any script, and the font may lack some of their glyphs.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
