"""Calibrates the model of a run on its validation clips."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.inference.opening import open_classifier
from pan_keras.inference.prediction import video_files
from pan_keras.inference.views import ViewClassifier
from pan_keras.metrics import (
    Confidence,
    calibration_error,
    fit_temperature,
    reliability,
    softmax,
    unknown_threshold,
)
from pan_keras.metrics.calibration import FEWEST
from pan_keras.runs.run import CONFIDENCE, Run, open_run
from pan_keras.runs.run_data import open_run_data


@dataclass(frozen=True)
class Calibrated:
    """The result of a calibration.

    Attributes:
        run: The run folder.
        record: Content of its `confidence.json`: `temperature`, `threshold`, number of `clips`,
            expected calibration error before and after, and the settings of the threshold.

    Example:
        >>> found = calibrate("runs/demo")
        >>> found.record["temperature"], found.record["threshold"]
        (1.0, None)
        >>> found.to_text().splitlines()[-1]
        'unknown: never; --false-alarms 0.05 chooses a threshold'
        >>> found.to_json()[:8]
        '{"run": '
    """

    run: Path
    record: dict[str, Any]

    def to_json(self) -> str:
        """Returns the result as JSON.

        Returns:
            One JSON object.
        """
        return json.dumps({"run": str(self.run), **self.record})

    def to_text(self) -> str:
        """Returns the result as a few lines of text.

        Returns:
            The lines.
        """
        record = self.record
        clips = record["clips"]
        lines = [
            f"temperature {record['temperature']:.3g}, fitted on {clips} validation clips",
            f"expected calibration error {record['error_before']:.3f} before, "
            f"{record['error_after']:.3f} after",
        ]
        if clips < FEWEST:
            lines[0] = too_few(clips)
        if record["threshold"] is None:
            lines.append("unknown: never; --false-alarms 0.05 chooses a threshold")
        else:
            lines.append(
                f"unknown: up to a probability of {record['threshold']:.3f}, for false alarms in "
                f"{record['false_alarms']:.3g} of the clips; {record['answered']} of {clips} "
                "validation clips keep their answer"
            )
        if record["negatives"]:
            lines[-1] += (
                f", {record['negatives_answered']} of {record['negatives']} negatives are answered"
            )
        return "\n".join(lines)


def too_few(clips: int) -> str:
    """Returns the sentence on validation clips that are too few to fit a temperature."""
    return (
        f"temperature 1: {clips} validation clips are too few to fit one, hold out {FEWEST} or more"
    )


def calibrate(
    run: Run | Path | str,
    *,
    false_alarms: float | None = None,
    negatives: Sequence[Path | str] = (),
    root: Path | str | None = None,
    batch: int = 8,
    clips: Sequence[Clip] | None = None,
) -> Calibrated:
    """Fits the temperature of a run and, optionally, its threshold, on validation clips.

    Both are stored in `confidence.json` of the run, and `pan-keras export` copies them to the
    bundle. An earlier record is replaced.

    Args:
        run: The run, or its folder.
        false_alarms: Maximum share of clips with a wrong answer, which sets the threshold. By
            default there is no threshold, and every clip gets an answer.
        negatives: Videos, or folders of videos, that show none of the classes; at most that share
            of them gets an answer.
        root: Folder of the videos of the run, if they were moved.
        batch: Clips per call of the model.
        clips: The validation clips; by default those that the run recorded.

    Returns:
        The result. With fewer than 10 validation clips the temperature stays 1.

    Raises:
        UserError: If the run has no model or no validation clips, no clip can be read, or there are
            too few clips for the share of false alarms.

    Example:
        >>> calibrate("runs/demo", false_alarms=0.5).record["false_alarms"]
        0.5

    References:
        Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017;
        Angelopoulos, Bates, Fisch, Lei, Schuster, "Conformal Risk Control", ICLR 2024.
    """
    run = open_run(run) if not isinstance(run, Run) else run
    run.writable(CONFIDENCE)
    if false_alarms is not None and not 0 < false_alarms < 1:
        raise UserError(
            f"false alarms: {false_alarms} is not a share; give a number above 0 and below 1"
        )
    if negatives and false_alarms is None:
        raise UserError(
            "negatives are used to choose a threshold; also give the share of false alarms"
        )
    others = video_files(negatives)
    if clips is None:
        clips = open_run_data(run, root=root).videos.clips("val")
    if not clips:
        raise UserError(
            f"{run.path}: has no validation clips to calibrate on; train it on data with clips of "
            "the split val"
        )
    # Opens the model without the run's earlier calibration.
    classify = ViewClassifier(open_classifier(run.path, batch=batch))
    logits, rows = _logits(classify, [clip.path for clip in clips], f"{run.path}: validation")
    labels = np.array([clips[row].label for row in rows])
    try:
        temperature = fit_temperature(logits, labels)
    except ValueError as error:
        raise UserError(
            f"{run.path}: no temperature can be fitted, {error}; train it again"
        ) from None
    shares, before = Confidence(temperature).probabilities(logits), softmax(logits)
    record: dict[str, Any] = {
        "temperature": temperature,
        "threshold": None,
        "split": "val",
        "clips": len(labels),
        "error_before": calibration_error(before, labels),
        "error_after": calibration_error(shares, labels),
        "false_alarms": false_alarms,
        "negatives": 0,
    }
    if false_alarms is not None:
        wrong = shares.argmax(axis=1) != labels
        threshold = _threshold(run, "validation clips", shares.max(axis=1), wrong, false_alarms)
        if others:
            found, _ = _logits(classify, others, f"{run.path}: negative")
            alone = Confidence(temperature).probabilities(found).max(axis=1)
            every = np.ones(len(alone), bool)
            threshold = max(threshold, _threshold(run, "negatives", alone, every, false_alarms))
            record |= {
                "negatives": len(alone),
                "negatives_answered": int((alone > threshold).sum()),
            }
        record |= {"threshold": threshold, "answered": int((shares.max(axis=1) > threshold).sum())}
    record["reliability"] = {
        "before": [each._asdict() for each in reliability(before, labels)],
        "after": [each._asdict() for each in reliability(shares, labels)],
    }
    model = (run.path / "model.keras").read_bytes()
    record["model_sha256"] = hashlib.sha256(model).hexdigest()
    run.write(CONFIDENCE, record)
    return Calibrated(run.path, record)


def _logits(
    classify: ViewClassifier, paths: Sequence[Path], what: str
) -> tuple[np.ndarray, list[int]]:
    """Computes the logits `(clips, classes)` of the readable videos, and their positions."""
    found = [(row, each.scores) for row, each in enumerate(classify(paths))]
    read = [(row, scores) for row, scores in found if scores is not None]
    if not read:
        raise UserError(f"{what} clips: none of the {len(paths)} can be read; check the data")
    return np.stack([scores for _, scores in read]), [row for row, _ in read]


def _threshold(
    run: Run, what: str, confidence: np.ndarray, wrong: np.ndarray, rate: float
) -> float:
    try:
        return unknown_threshold(confidence, wrong, rate)
    except ValueError as error:
        raise UserError(
            f"{run.path}: no threshold can be chosen, {error} of the {what}; allow more false "
            "alarms or hold out more clips"
        ) from None
