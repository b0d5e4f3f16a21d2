"""Evaluates timelines of long videos against ground truth."""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pan_keras.errors import UserError
from pan_keras.inference.opening import Source, open_classifier
from pan_keras.inference.timelines import timeline
from pan_keras.metrics.segments import OVERLAPS, Segment, SegmentScores

COLUMNS = ("video", "start", "end", "label")


@dataclass(frozen=True)
class TimelineEvaluation:
    """The scores of a model on long videos.

    Attributes:
        model: Run folder or bundle.
        truth: The file with the ground truth.
        videos: How many videos.
        threshold: Of the answer unknown; None if the model has none.
        with_unknown: Scores of the segments as `predict --timeline` gives them.
        without_unknown: Scores of the segments that cover the whole video.

    Example:
        >>> found = evaluate_timelines("runs/demo", "truth.csv")
        >>> found.with_unknown.f1(0.5)
        1.0
    """

    model: str
    truth: str
    videos: int
    threshold: float | None
    with_unknown: SegmentScores
    without_unknown: SegmentScores

    def to_json(self) -> str:
        """The scores for programs.

        Returns:
            One JSON object.
        """
        record: dict[str, Any] = {
            "model": self.model,
            "truth": self.truth,
            "videos": self.videos,
            "seconds": round(self.with_unknown.seconds, 3),
            "threshold": self.threshold,
        }
        for name in ("with_unknown", "without_unknown"):
            scores: SegmentScores = getattr(self, name)
            record[name] = {
                "true_segments": scores.truths,
                "segments": scores.found,
                "f1": {str(overlap): scores.f1(overlap) for overlap in OVERLAPS},
                "false_alarms": scores.false_alarms,
                "false_alarms_per_minute": scores.false_alarms_per_minute,
            }
        return json.dumps(record)

    def to_text(self) -> str:
        """The scores for people.

        Returns:
            Several lines.
        """
        named = self.with_unknown
        lines = [
            f"{self.videos} videos of {named.seconds:.1f} s in all, {named.truths} true segments",
            "           segments  F1@0.1  F1@0.25  F1@0.5  false alarms per minute",
        ]
        rows = [("all named", self.without_unknown)]
        if self.threshold is not None:
            rows.append(("unknown", named))
        for name, scores in rows:
            shares = "  ".join(
                f"{scores.f1(overlap):>{width}.3f}"
                for overlap, width in zip(OVERLAPS, (6, 7, 6), strict=True)
            )
            alarms = scores.false_alarms_per_minute
            lines.append(f"{name:<9}  {scores.found:>8}  {shares}  {alarms:>21.2f}")
        if self.threshold is None:
            lines.append("the model has no threshold; pan-keras calibrate chooses one")
        return "\n".join(lines)


def evaluate_timelines(
    model: Source,
    truth: Path | str,
    *,
    precision: str | None = None,
    file_format: str | None = None,
    batch: int = 8,
    tell: Callable[[str], None] | None = None,
) -> TimelineEvaluation:
    """Measures the timelines of a model on videos whose actions are known.

    Args:
        model: A run folder, a bundle, or what `open_classifier` gives.
        truth: A CSV file with the columns video, start, end and label: one row for each action, in
            seconds; paths are relative to the folder of the file. A row with an empty label
            names a video, or a part of it, without an action.
        precision: Which model file of a bundle; the first unless given.
        file_format: `"tflite"` or `"onnx"` of a bundle; the first unless given.
        batch: Windows per call of a Keras model.
        tell: Called with a sentence about each video.

    Returns:
        Segment F1 and false alarms, with and without the answer unknown.

    Raises:
        UserError: If the file is damaged, names a class that the model does not know, or a video
            cannot be read.

    Example:
        >>> evaluate_timelines("runs/demo", "truth.csv").videos
        1
    """
    classifier = open_classifier(model, precision=precision, file_format=file_format, batch=batch)
    videos = read_truth(truth, classifier.labels)
    named, every = SegmentScores(), SegmentScores()
    for video, segments in videos.items():
        found = timeline(classifier, video)
        named.add(found.segments(), segments, found.seconds)
        every.add(found.segments(unknown=False), segments, found.seconds)
        if tell is not None:
            tell(f"{video}: {len(found.segments())} segments, {len(segments)} true ones")
    return TimelineEvaluation(
        model=str(classifier.path),
        truth=str(truth),
        videos=len(videos),
        threshold=classifier.confidence.threshold,
        with_unknown=named,
        without_unknown=every,
    )


def read_truth(file: Path | str, labels: tuple[str, ...]) -> dict[Path, list[Segment]]:
    """Reads the ground truth of long videos.

    Args:
        file: The CSV file.
        labels: The classes of the model.

    Returns:
        The segments of each video in the order of their start.

    Raises:
        UserError: If the file is damaged or names a class that the model does not know.
    """
    file = Path(file)
    try:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{file}: cannot be read as CSV ({error}); give another file") from None
    if not rows or not set(COLUMNS) <= rows[0].keys():
        raise UserError(
            f"{file}: needs the columns {', '.join(COLUMNS)} and a row for each action; add them"
        )
    found: dict[Path, list[Segment]] = {}
    for number, row in enumerate(rows, 2):
        where = f"{file}, line {number}"
        if not row["video"]:
            raise UserError(f"{where}: names no video; give its path")
        segments = found.setdefault(file.parent / row["video"], [])
        if not row["label"]:
            continue
        if row["label"] not in labels:
            raise UserError(
                f"{where}: the model does not know the class {row['label']!r}; its classes are "
                f"{', '.join(labels)}"
            )
        segments.append(Segment(*_times(row, where), row["label"]))
    return {video: sorted(each, key=lambda part: part.start) for video, each in found.items()}


def _times(row: dict[str, str], where: str) -> tuple[float, float]:
    try:
        start, end = float(row["start"]), float(row["end"])
    except (TypeError, ValueError):
        start = end = math.nan
    if not 0 <= start < end < math.inf:
        raise UserError(
            f"{where}: start {row['start']!r} and end {row['end']!r}; give seconds, the start "
            "before the end"
        )
    return start, end
