"""Draws named points on logarithmic axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pan_keras.drawing.colours import PALETTE
from pan_keras.drawing.figures import plain

NEAR = (0.15, 0.06)  # distances, as shares of the axes, within which names may overlap
ABOVE, LINE = 4, 11  # in points: offset of a name above its point, and height of a line


@dataclass(frozen=True)
class Point:
    """A named point.

    Attributes:
        name: Its label.
        x: Horizontal position, above 0.
        y: Vertical position.
        low: Lower end of an interval of y, or None.
        high: Upper end of the interval, or None.
        emphasised: Whether it is drawn in the accent colour.
    """

    name: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    emphasised: bool = False


def scatter_figure(
    points: Sequence[Point], across: str, upwards: str, *, shares: bool = False
) -> Figure:
    """Draws points over a logarithmic axis.

    Args:
        points: At least one point.
        across: Label of the x axis, with its unit.
        upwards: Label of the y axis, with its unit.
        shares: Whether y is a share, shown in per cent on a linear axis; otherwise the y axis is
            also logarithmic.
    """
    figure = Figure(figsize=(7.4, 4.4), layout="constrained")
    axes = figure.subplots()
    plain(axes)
    axes.set_xscale("log")
    if shares:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    else:
        axes.set_yscale("log")
    axes.grid(color=PALETTE["line"], linewidth=0.8)
    axes.set_axisbelow(True)
    offsets = _label_offsets(points, shares)
    for point, offset in zip(points, offsets, strict=True):
        colour = PALETTE["accent" if point.emphasised else "second"]
        if point.low is not None and point.high is not None:
            axes.plot([point.x] * 2, [point.low, point.high], color=colour, linewidth=1.2)
        axes.plot([point.x], [point.y], "o", color=colour, markersize=6)
        axes.annotate(
            point.name,
            (point.x, point.y),
            xytext=(6, offset),
            textcoords="offset points",
            fontsize=8,
            color=PALETTE["ink"],
            parse_math=False,
        )
    axes.margins(x=0.18, y=0.12)
    axes.set_xlabel(across, color=PALETTE["muted"])
    axes.set_ylabel(upwards, color=PALETTE["muted"])
    return figure


def _label_offsets(points: Sequence[Point], shares: bool) -> list[int]:
    """Offsets of the names above their points, so that names of near points do not overlap."""
    heights = [point.y for point in points] if shares else np.log([point.y for point in points])
    places = np.stack([np.log([point.x for point in points]), heights], axis=1)
    places = (places - places.min(axis=0)) / np.maximum(np.ptp(places, axis=0), 1e-9)
    near = (np.abs(places[:, None] - places[None]) < NEAR).all(axis=-1)
    # Of several near points, the topmost has its name above it, and the others below that.
    order = np.argsort(-places[:, 1], kind="stable")
    rank = {int(place): number for number, place in enumerate(order)}
    earlier = [
        sum(bool(near[place, other]) and rank[other] < rank[place] for other in range(len(points)))
        for place in range(len(points))
    ]
    return [ABOVE - LINE * count for count in earlier]
