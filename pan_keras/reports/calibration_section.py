"""The calibration of a run in its report: temperature, threshold, reliability diagrams."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pan_keras.drawing import figures
from pan_keras.drawing.colours import PALETTE
from pan_keras.drawing.figures import plain
from pan_keras.inference.calibrating import Calibrated
from pan_keras.reports.html import Html, element, section
from pan_keras.runs.run import CONFIDENCE, Run

PARTS = {"before": "temperature 1", "after": "calibrated"}


def calibration_section(run: Run) -> Html | None:
    """Renders what `pan-keras calibrate` fitted; None for a run without.

    Args:
        run: The run.

    Raises:
        UserError: If its record is damaged.
    """
    record = run.confidence_record
    if record is None:
        return None
    try:
        text = Calibrated(run.path, record).to_text()
        drawings = [
            Html(figures.svg(reliability_figure(record["reliability"][key], name), name))
            for key, name in PARTS.items()
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise run.damaged(CONFIDENCE, repr(error)) from None
    lines = [element("p", line, class_="note") for line in text.splitlines()]
    explained = (
        "Of clips with a probability of 80 %, 80 % should be classified correctly. Bars show the "
        "share that is, which is on the diagonal for calibrated probabilities; numbers are clips."
    )
    return section("Probabilities", explained, lines, element("div", drawings, class_="columns"))


def reliability_figure(bins: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Draws a reliability diagram: accuracy over confidence.

    Args:
        bins: Records of `pan_keras.metrics.ReliabilityBin`.
        title: Its title.
    """
    figure = Figure(figsize=(3.6, 3.0), layout="constrained")
    axes = figure.subplots()
    plain(axes)
    axes.set_title(title, loc="left", color=PALETTE["ink"], fontsize=11)
    axes.plot((0, 1), (0, 1), color=PALETTE["line"], linewidth=1.2)
    for each in bins:
        if not each["clips"]:
            continue
        width = each["high"] - each["low"]
        middle = (each["high"] + each["low"]) / 2
        axes.bar(middle, each["accuracy"], 0.9 * width, color=PALETTE["accent"], alpha=0.4)
        axes.plot(each["confidence"], each["accuracy"], "o", color=PALETTE["accent"], markersize=4)
        axes.text(middle, 0.02, str(each["clips"]), ha="center", fontsize=8, color=PALETTE["ink"])
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("probability of the most probable class", color=PALETTE["muted"])
    return figure
