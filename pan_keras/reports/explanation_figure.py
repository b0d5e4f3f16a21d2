"""Draws an explanation as a figure: frames, PA, timescales with their weights, evidence."""

from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure

from pan_keras.drawing.colours import PALETTE, TIMESCALES, heat, scale_of
from pan_keras.drawing.figures import pixels
from pan_keras.drawing.panels import png
from pan_keras.errors import UserError
from pan_keras.files import refuse_overwriting, replacing
from pan_keras.reports.explanation import Explanation, NetworkExplanation

SIGNED = LinearSegmentedColormap.from_list("evidence", (PALETTE["second"], "#ffffff", "#1f5fc4"))
CLASSES = 3  # shown in the evidence
WIDTH, SIDE = 8.0, 2.4  # inches: all segments, and the column beside them
LINE = 0.24  # inches per timescale or class
LITTLE = 0.2  # lower limit of the colour scale of evidence
DOTS_PER_INCH = 100


def check_picture(file: Path | str, video: Path | str) -> None:
    """Raises `UserError` if `write_explanation` cannot write a file; call it before `explain`.

    Args:
        file: The picture.
        video: The video to explain.
    """
    if Path(file).suffix.lower() != ".png":
        raise UserError(f"{file}: name a file that ends in .png")
    refuse_overwriting(file, [video])


def write_explanation(explanation: Explanation, file: Path | str) -> None:
    """Writes an explanation as a picture, PNG.

    Args:
        explanation: The result of `explain`.
        file: The PNG file.

    Raises:
        UserError: If the disk is full.

    Example:
        >>> from pan_keras.reports import explain
        >>> write_explanation(explain("runs/demo", "wave.mp4"), "why.png")
    """
    picture = png(pixels(explanation_figure(explanation), DOTS_PER_INCH))
    with replacing(file) as temporary:
        temporary.write_bytes(picture)


def explanation_figure(explanation: Explanation) -> Figure:
    """Draws an explanation.

    From top to bottom: the first frame of each segment; PA of each stack, averaged over its maps;
    the timescale features, each with marks under the segments it pools and its weight w; the
    evidence of each segment for the most probable classes. Fused networks are stacked.

    References:
        PAN paper, Fig. 6.
    """
    networks = explanation.networks or (None,)  # for a bundle, only the frames
    heights = [sum(_heights(explanation, network)) for network in networks]
    figure = Figure(figsize=(WIDTH + SIDE, 0.5 + sum(heights)), layout="constrained")
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, network in zip(parts, networks, strict=True):
        _draw(part, explanation, network)
        if network is not None and len(parts) > 1:
            part.suptitle(network.name, x=0.01, ha="left", fontsize=10)
    answers = [
        f"{explanation.labels[each]} {explanation.probabilities[each]:.1%}"
        for each in explanation.ranking[:CLASSES]
    ]
    title = f"{explanation.path.name}:  {',  '.join(answers)}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=PALETTE["ink"], parse_math=False)
    return figure


def _heights(explanation: Explanation, network: NetworkExplanation | None) -> list[float]:
    """Heights in inches of frames, PA, timescales and evidence; 0 for parts a network lacks."""
    count, height, width, _ = explanation.pictures.shape
    strip = WIDTH / count * height / width + 0.1
    if network is None:
        return [strip]
    return [
        strip,
        strip if network.motion is not None else 0.0,
        LINE * len(network.timescales) + 0.2 if network.timescales else 0.0,
        LINE * min(CLASSES, len(explanation.labels)) + 0.5,
    ]


def _draw(part: SubFigure, explanation: Explanation, network: NetworkExplanation | None) -> None:
    heights = _heights(explanation, network)
    shown = [height for height in heights if height]
    grid = part.subplots(
        len(shown), 2, width_ratios=(WIDTH, SIDE), height_ratios=shown, squeeze=False
    )
    rows = iter(grid)
    _pictures(next(rows), explanation.pictures, "frames", "first frame of each segment")
    if network is None:
        return
    if network.motion is not None:
        stacks = network.motion.mean(axis=1)
        highest = scale_of(stacks)
        coloured = np.stack([heat(stack, highest) for stack in stacks])
        _pictures(next(rows), coloured, "PA", f"mean of a stack's maps, 0 to {highest:g}")
    if network.timescales:
        _timescales(next(rows), network, len(explanation.pictures))
    _evidence(next(rows), explanation, network)


def _pictures(row: np.ndarray, pictures: np.ndarray, name: str, note: str) -> None:
    axes, beside = row
    count = len(pictures)
    framed = [
        cv2.copyMakeBorder(each, 0, 0, 1, 1, cv2.BORDER_CONSTANT, value=(255,) * 3)
        for each in pictures
    ]
    axes.imshow(
        np.hstack(framed), extent=(0.5, count + 0.5, 0, 1), aspect="auto", interpolation="nearest"
    )
    _bare(axes, name)
    _note(beside, note)


def _timescales(row: np.ndarray, network: NetworkExplanation, count: int) -> None:
    axes, beside = row
    largest = max(each.weight for each in network.timescales)
    for line, each in enumerate(network.timescales):
        colour = TIMESCALES[min(each.k.bit_length(), len(TIMESCALES)) - 1]
        places = np.arange(count)
        axes.barh([line] * count, 0.86, 0.55, places + 0.57, color="#eef1f5")
        inside = np.array(each.segments)
        axes.barh([line] * len(inside), 0.86, 0.55, inside + 0.57, color=colour)
        beside.barh(line, each.weight, 0.55, color=colour)
        beside.text(
            each.weight + 0.02 * largest, line, f"{each.weight:.3f}", va="center", fontsize=8
        )
    for each in (axes, beside):
        each.set_ylim(len(network.timescales) - 0.5, -0.5)
    axes.set_xlim(0.5, count + 0.5)
    beside.set_xlim(0, 1.35 * largest)
    _bare(axes, "timescales")
    _bare(beside, "")
    _title(beside, "weight w")


def _evidence(row: np.ndarray, explanation: Explanation, network: NetworkExplanation) -> None:
    axes, beside = row
    classes = explanation.ranking[:CLASSES]
    values = network.evidence[:, classes].T
    largest = max(float(np.abs(values).max()), LITTLE)
    count = values.shape[1]
    axes.pcolormesh(
        np.arange(count + 1) + 0.5,
        np.arange(len(classes) + 1) - 0.5,
        values,
        cmap=SIGNED,
        vmin=-largest,
        vmax=largest,
        edgecolors="white",
        linewidth=2,
    )
    for line, number in enumerate(classes):
        for place, value in enumerate(values[line], 1):
            colour = PALETTE["paper" if abs(value) > 0.6 * largest else "ink"]
            axes.text(
                place,
                line,
                f"{round(float(value), 2) + 0.0:+.2f}",
                ha="center",
                va="center",
                fontsize=8,
                color=colour,
            )
        beside.text(0, line, explanation.labels[number], va="center", fontsize=8, parse_math=False)
    for each in (axes, beside):
        each.set_ylim(len(classes) - 0.5, -0.5)
    _bare(axes, "evidence")
    _bare(beside, "")
    _title(beside, "added to the logit of")
    axes.set_xticks(range(1, count + 1))
    axes.tick_params(length=0, labelsize=8, colors=PALETTE["muted"])
    axes.set_xlabel("segment", fontsize=8, color=PALETTE["muted"])


def _bare(axes: Axes, name: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.set_ylabel(name, fontsize=9, color=PALETTE["ink"])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, fontsize=8, loc="left", color=PALETTE["muted"], pad=2)


def _note(axes: Axes, text: str) -> None:
    _bare(axes, "")
    axes.text(0, 0.5, text, va="center", fontsize=8, color=PALETTE["muted"], wrap=True)
