"""What an evaluation found: for programs, for a person, and as files."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.errors import UserError
from pan_keras.evaluation.scores import ClassScore, Interval
from pan_keras.files import replacing
from pan_keras.look import figures
from pan_keras.look.confusion import ConfusedPair

TUPLES = ("runs", "weights", "classes", "skipped_files")  # JSON has lists alone


@dataclass(frozen=True)
class ClipResult:
    """What became of one clip.

    Attributes:
        path: The video file.
        truth: Its class.
        predicted: The most probable class.
        probability: Probability of `predicted`.
        truth_probability: Probability of `truth`.
    """

    path: str
    truth: str
    predicted: str
    probability: float
    truth_probability: float


@dataclass(frozen=True)
class Evaluation:
    """The accuracy of a run, or of several fused, on one part of the data.

    Shares are fractions, `intervals` hold the 95 % bounds of `top1`, `top5` and `mean_class`.

    Attributes:
        runs: Run folders.
        weights: Their weights in the fusion, which add up to 1.
        data: Where the clips came from.
        split: Part of the data.
        crops: Views in space.
        temporal_clips: Views in time.
        classes: Names, in order of the logits.
        clips: Clips that were measured.
        skipped: Files of the data that could not be read.
        top1, top5, mean_class, intervals, per_class, confusion, confused_pairs: see
            `pan_keras.evaluation.scores` and `pan_keras.look.confusion`.
        worst_clips: The clips whose truth got the lowest probability.
        skipped_files: Path and reason of each skipped file.
        seconds: Time for decoding and classifying.
        clips_per_second: Clips over that time.
        results: Each clip; not in the JSON, but in the CSV that `write` makes.
    """

    runs: tuple[str, ...]
    weights: tuple[float, ...]
    data: str
    split: str
    crops: str
    temporal_clips: int
    classes: tuple[str, ...]
    clips: int
    skipped: int
    top1: float
    top5: float
    mean_class: float
    intervals: dict[str, Interval]
    per_class: tuple[ClassScore, ...]
    confusion: list[list[int]]
    confused_pairs: tuple[ConfusedPair, ...]
    worst_clips: tuple[ClipResult, ...]
    skipped_files: tuple[dict[str, str], ...]
    seconds: float
    clips_per_second: float
    results: tuple[ClipResult, ...] = field(repr=False, default=())

    def to_json(self) -> str:
        """The evaluation as one JSON object, without the single clips."""
        record = asdict(self)
        del record["results"]
        return json.dumps(record)

    def to_text(self) -> str:
        """The evaluation for a person at a terminal."""
        names = {"top1": "top-1", "top5": "top-5", "mean_class": "mean class"}
        lines = [f"{self.clips} clips of {self.split}, {self.skipped} skipped"]
        for key, name in names.items():
            low, high = self.intervals[key]
            lines.append(f"{name:<11}{getattr(self, key):6.1%}  (95 %: {low:.1%} to {high:.1%})")
        width = max(len(name) for name in (*self.classes, "class"))
        lines += ["", f"{'class':<{width}}  clips  recall  precision     F1"]
        for row in self.per_class:
            _, clips, recall, precision, f1 = row.cells()
            lines.append(f"{row.name:<{width}}  {clips:>5}  {recall:>6}  {precision:>9}  {f1:>5}")
        if self.confused_pairs:
            lines += ["", "most confused (truth > predicted)"]
            lines += [
                f"  {pair.truth} > {pair.predicted}: {pair.clips} ({pair.share:.0%} of the class)"
                for pair in self.confused_pairs[:5]
            ]
            lines += ["", "worst clips (probability of the truth)"]
            lines += [
                f"  {clip.truth_probability:.3f}  {clip.path}: {clip.truth} > {clip.predicted}"
                for clip in self.worst_clips
                if clip.truth != clip.predicted
            ]
        lines += ["", f"{self.clips_per_second:.1f} clips/s"]
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """Writes `SPLIT.json` and, beside it, the tables and the figure of this split.

        Args:
            folder: Gets `SPLIT.json`, `SPLIT_confusion.png`, `SPLIT_confusion.csv`,
                `SPLIT_per_class.csv` and `SPLIT_clips.csv`.
        """
        matrix = np.array(self.confusion)
        header = ["truth", *self.classes]
        rows = [[name, *row] for name, row in zip(self.classes, self.confusion, strict=True)]
        contents = {
            "_confusion.png": figures.png(figures.confusion_figure(matrix, self.classes)),
            "_confusion.csv": _csv([header, *rows]),
            "_per_class.csv": _records_csv(self.per_class),
            "_clips.csv": _records_csv(self.results),
            ".json": (self.to_json() + "\n").encode(),
        }
        for ending, content in contents.items():
            with replacing(folder / f"{self.split}{ending}") as temporary:
                temporary.write_bytes(content)

    @classmethod
    def read(cls, folder: Path, split: str) -> "Evaluation":
        """Reads what `write` wrote.

        Raises:
            UserError: If the files are damaged or of another version.
        """
        file = folder / f"{split}.json"
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            rows = csv.DictReader(io.StringIO((folder / f"{split}_clips.csv").read_text("utf-8")))
            results = [_clip_result(row) for row in rows]
            return cls(
                **record
                | {name: tuple(record[name]) for name in TUPLES}
                | {
                    "intervals": {
                        name: Interval(*pair) for name, pair in record["intervals"].items()
                    },
                    "per_class": tuple(ClassScore(**row) for row in record["per_class"]),
                    "confused_pairs": tuple(
                        ConfusedPair(**row) for row in record["confused_pairs"]
                    ),
                    "worst_clips": tuple(_clip_result(row) for row in record["worst_clips"]),
                    "results": tuple(results),
                }
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{file}: not readable ({error}); write it anew with pan-keras evaluate"
            ) from error


def _clip_result(row: dict[str, Any]) -> ClipResult:
    numbers = {name: float(row[name]) for name in ("probability", "truth_probability")}
    return ClipResult(**row | numbers)


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def _records_csv(records: Sequence[Any]) -> bytes:
    rows = [asdict(record) for record in records]
    return _csv([list(rows[0]), *(list(row.values()) for row in rows)])
