"""Example clips of a run's page: frames, motion maps, timescale weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from pan_keras.drawing.colours import heat_by_range
from pan_keras.drawing.panels import jpeg, png, strip
from pan_keras.evaluation.results import ClipResult, Evaluation
from pan_keras.layers import timescale_members
from pan_keras.reports.html import Html, element, image, section
from pan_keras.runs.run import Run
from pan_keras.runtime.preprocessing import clip_from_video
from pan_keras.video import BrokenVideo

SCALES = 5  # timescales with their own colour in the style sheet


@dataclass(frozen=True)
class Example:
    """A clip with intermediate tensors of a network.

    Attributes:
        result: Ground truth and prediction.
        frames: (N, H, W, 3) uint8, the first frame of each segment.
        motion: (N, H, W) float, the mean of each segment's motion maps (PA); `None` without PA.
        weights: (T,) float, the weights w of the timescales (Eq. 13); `None` without VAP.
    """

    result: ClipResult
    frames: np.ndarray
    motion: np.ndarray | None
    weights: np.ndarray | None


def examples_section(run: Run, evaluation: Evaluation) -> Html | None:
    """Renders a few correctly and incorrectly classified clips.

    None if the run has no model or one that takes motion fields, which are not pictures.
    """
    if not (run.path / "model.keras").is_file() or run.shape.field is not None:
        return None
    chosen = choose(evaluation.results)
    model = run.load_model()
    shown = list(examples(run, model, chosen))
    text = "Correctly classified clips of different classes, then the worst errors."
    if any(example.motion is not None for example in shown):
        text += " PA is the mean of a segment's motion maps, bright where there is motion."
    if any(example.weights is not None for example in shown):
        text += (
            " Below, each row is a timescale feature of VAP: the bars under the frames mark the "
            "segments it pools, red for timescale 1, then orange, yellow and so on; the number "
            "is its weight w (Fig. 6 of the paper)."
        )
    if len(shown) < len(chosen):
        text += f" {len(chosen) - len(shown)} more can no longer be read."
    return section("Example clips", text, [_card(example) for example in shown])


def choose(results: Sequence[ClipResult], each: int = 3) -> list[ClipResult]:
    """Chooses clips to show: correct ones of different classes, and the worst errors.

    Args:
        results: All clips of an evaluation.
        each: Number of clips of each kind.
    """
    first_right: dict[str, ClipResult] = {}
    for result in results:
        if result.truth == result.predicted:
            first_right.setdefault(result.truth, result)
    right = list(first_right.values())
    spread = np.linspace(0, len(right) - 1, min(each, len(right))).round().astype(int)
    wrong = [result for result in results if result.truth != result.predicted]
    wrong.sort(key=lambda result: result.truth_probability)
    return [right[number] for number in spread] + wrong[:each]


def examples(run: Run, model: keras.Model, results: Sequence[ClipResult]) -> Iterator[Example]:
    """Runs clips through a network; yields frames, motion maps and weights.

    Args:
        run: The run of the network.
        model: The network.
        results: Clips to show; those that can no longer be read are skipped.
    """
    for result in results:
        try:
            clip = clip_from_video(result.path, run.shape)
        except (BrokenVideo, FileNotFoundError):
            continue
        # With several branches, layer names are prefixed with the branch; the first branch that has
        # the tensor is shown.
        found: dict[str, np.ndarray] = {}
        for path, value in model.intermediates(clip[None]).items():
            name = path.rpartition("/")[2]
            if name in ("motion", "weights") and name not in found:
                found[name] = keras.ops.convert_to_numpy(value)[0].astype("float32")
        motion = found.get("motion")
        yield Example(
            result,
            clip[:, 0],
            None if motion is None else motion.mean(axis=-1),
            found.get("weights"),
        )


def _card(example: Example) -> Html:
    """Renders a clip: frames, motion maps, and the segments of each timescale."""
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
        scale = f"scale-{min(timescale.bit_length() - 1, SCALES - 1)}"
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
