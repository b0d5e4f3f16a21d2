"""The part of a report that shows clips: frames, motion maps, timescale weights."""

from pathlib import Path

import numpy as np

from pan_keras.drawing.colours import heat_by_range
from pan_keras.drawing.panels import jpeg, png, strip
from pan_keras.layers import timescale_members
from pan_keras.reports.page import Html, element, image
from pan_keras.reports.report_examples import Example

COLOURS = 5  # timescales that the style sheet tells apart


def clip_card(example: Example) -> Html:
    """One clip: its frames, its motion maps under them, and which segments feed which timescale."""
    result = example.result
    right = result.truth == result.predicted
    verdict = element(
        "span",
        f"{result.predicted} ({result.probability:.0%})",
        class_="right" if right else "wrong",
    )
    taken = "recognised as " if right else "taken for "
    rows = [
        element("span", str(number + 1), class_="head") for number in range(len(example.frames))
    ]
    rows += [
        element("span", "segment", class_="name"),
        image(jpeg(strip(example.frames)), "image/jpeg", "first frame of each segment"),
        element("span", "frames", class_="name"),
    ]
    if example.motion is not None:
        rows.append(
            image(png(strip(heat_by_range(example.motion))), "image/png", "PA of each segment")
        )
        rows.append(element("span", "PA", class_="name"))
    if example.weights is not None:
        rows += _timescales(example.weights, len(example.frames))
    return element(
        "div",
        element("h3", result.truth, ", ", taken, verdict),
        element("p", Path(result.path).name),
        element("div", rows, class_="strip", style=f"--segments:{len(example.frames)}"),
        class_="clip",
    )


def _timescales(weights: np.ndarray, segments: int) -> list[Html]:
    rows = []
    for weight, (timescale, _, members) in zip(weights, timescale_members(segments), strict=True):
        scale = f"scale-{min(timescale.bit_length() - 1, COLOURS - 1)}"
        rows += [
            element("span", class_=f"cell {'on' if number in members else ''} {scale}")
            for number in range(segments)
        ]
        bar = element("i", style=f"width:{3.4 * weight / weights.max():.2f}rem")
        inside = ", ".join(str(number + 1) for number in members)
        rows.append(
            element(
                "span",
                bar,
                f"{weight:.3f}",
                class_=f"bar {scale}",
                title=f"timescale {timescale}, segments {{{inside}}}: w = {weight:.4f}",
            )
        )
    return rows
