"""Evaluation results as JSON, text and files."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.inference.views import Crops
from pan_keras.metrics import ClassScore, ConfusedPair, Interval
from pan_keras.remote.addresses import displayed
from pan_keras.runs.run import Run

SPLITS = ("test", "all", "val", "train")  # reports show the first one that was evaluated
TUPLES = ("runs", "weights", "classes", "skipped_files", "notes")  # read from JSON as lists


@dataclass(frozen=True)
class ClipResult:
    """The result of one clip.

    Attributes:
        path: The video file.
        truth: Its ground-truth class.
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
    """The accuracy of a run, or of several fused, on one split of the data.

    Accuracies are fractions; `intervals` holds the 95 % bounds of `top1`, `top5` and `mean_class`.

    Attributes:
        runs: Run folders.
        weights: Their weights in the fusion, which sum to 1.
        data: Where the clips came from.
        split: Part of the data.
        crops: Views in space.
        temporal_clips: Views in time.
        classes: Class names in the order of the logits.
        clips: Number of clips.
        skipped: Number of files that could not be read.
        top1, top5, mean_class, intervals, per_class, confusion, confused_pairs: As in
            `pan_keras.metrics.Scores`.
        worst_clips: The clips with the lowest probability of the ground truth.
        skipped_files: Path and reason of each skipped file.
        seconds: Time for decoding and classifying.
        clips_per_second: `clips` divided by `seconds`.
        fuse: What was averaged over views and runs, logits or probabilities.
        includes_new: Whether clips added since the run began are included.
        notes: Notes on the clips: added, removed, or seen in training.
        data_digest: Digest of the run's record of its clips, if that selected the clips.
        results: Result of each clip; in the CSV that `write` makes, not in the JSON.

    Example:
        >>> from pan_keras.evaluation import evaluate
        >>> evaluation = evaluate("runs/demo")
        >>> evaluation.name, evaluation.top1
        ('test', 0.97)
        >>> evaluation.write(Path("tables"))
        >>> Evaluation.read(Path("tables"), "test").to_json() == evaluation.to_json()
        True
        >>> print(evaluation.to_text().splitlines()[0])
        8 clips of test, 0 skipped
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
    # Earlier versions averaged probabilities and did not write these fields.
    fuse: str = "probabilities"
    includes_new: bool = False
    notes: tuple[str, ...] = ()
    data_digest: str | None = None
    results: tuple[ClipResult, ...] = field(repr=False, default=())

    def __repr__(self) -> str:
        low, high = self.intervals["top1"]
        return (
            f"Evaluation({', '.join(self.runs)}: top-1 {self.top1:.1%} on {self.clips} clips of "
            f"{self.split}, 95 % interval {low:.1%} to {high:.1%})"
        )

    def __str__(self) -> str:
        return self.to_text()

    @property
    def views(self) -> int:
        """Views per clip."""
        return self.temporal_clips * (3 if self.crops == "3" else 1)

    @property
    def name(self) -> str:
        """The name of its files: the split and any non-default views."""
        parts = [self.split]
        if (self.crops, self.temporal_clips) != ("1", 1):
            parts.append(f"crops-{self.crops}-clips-{self.temporal_clips}")
        if self.fuse != "logits" and (self.views > 1 or len(self.runs) > 1):
            parts.append(self.fuse)
        if len(set(self.weights)) > 1:
            parts.append("weights-" + "-".join(f"{weight:.6g}" for weight in self.weights))
        if self.includes_new:
            parts.append("with-new")
        return "-".join(parts)

    def to_json(self) -> str:
        """The evaluation as JSON, without the individual clips.

        Returns:
            One JSON object.
        """
        record = asdict(self)
        del record["results"]
        return json.dumps(record)

    def to_text(self) -> str:
        """The evaluation as text.

        Returns:
            Several lines.
        """
        names = {"top1": "top-1", "top5": "top-5", "mean_class": "mean class"}
        lines = [f"{self.clips} clips of {self.split}, {self.skipped} skipped"]
        if self.views > 1 or len(self.runs) > 1:
            runs = f", {len(self.runs)} runs" if len(self.runs) > 1 else ""
            lines.append(f"mean {self.fuse} of {self.views} views{runs}")
        lines += [f"note: {note}" for note in self.notes]
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
                f"  {clip.truth_probability:.3f}  {displayed(clip.path)}: "
                f"{clip.truth} > {clip.predicted}"
                for clip in self.worst_clips
                if clip.truth != clip.predicted
            ]
        lines += ["", f"{self.clips_per_second:.1f} clips/s"]
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """Writes `NAME.json` with the tables and the figure of this evaluation.

        Evaluations with other splits, views or weights are kept.

        Args:
            folder: Folder for `NAME.json`, `NAME_confusion.png`, `NAME_confusion.csv`,
                `NAME_per_class.csv` and `NAME_clips.csv`, where `NAME` is `name`.
        """
        from pan_keras.drawing.figures import confusion_figure, pixels  # noqa: PLC0415 (matplotlib)
        from pan_keras.drawing.panels import png  # noqa: PLC0415 (OpenCV)

        matrix = np.array(self.confusion)
        header = ["truth", *self.classes]
        rows = [[name, *row] for name, row in zip(self.classes, self.confusion, strict=True)]
        contents = {
            "_confusion.png": png(pixels(confusion_figure(matrix, self.classes), 144)),
            "_confusion.csv": _csv([header, *rows]),
            "_per_class.csv": _records_csv(self.per_class),
            "_clips.csv": _records_csv(self.results),
            ".json": (self.to_json() + "\n").encode(),
        }
        _keep_earlier(folder, self.name, contents)
        for ending, content in contents.items():
            with replacing(folder / f"{self.name}{ending}") as temporary:
                temporary.write_bytes(content)

    @classmethod
    def read(cls, folder: Path, name: str) -> "Evaluation":
        """Reads an evaluation from the files of `write`.

        Args:
            folder: The folder given to `write`.
            name: Name of the evaluation, such as `test`.

        Returns:
            The evaluation.

        Raises:
            UserError: If the files are damaged or of another version.
        """
        file = folder / f"{name}.json"
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            rows = csv.DictReader(io.StringIO((folder / f"{name}_clips.csv").read_text("utf-8")))
            results = [_clip_result(row) for row in rows]
            return cls(
                **record
                | {key: tuple(record.get(key, ())) for key in TUPLES}
                | {
                    "intervals": {
                        key: Interval(*pair) for key, pair in record["intervals"].items()
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
                f"{file}: not readable ({error}); write it again with pan-keras evaluate"
            ) from error


def _keep_earlier(folder: Path, name: str, endings: Iterable[str]) -> None:
    """Renames an evaluation of an earlier version, whose file name was the split alone."""
    if not (folder / f"{name}.json").is_file():
        return
    try:
        own = Evaluation.read(folder, name).name
    except UserError:
        return  # damaged, so it is overwritten
    for ending in endings if own != name else ():
        file = folder / f"{name}{ending}"
        if file.is_file():
            file.replace(folder / f"{own}{ending}")


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


def stored_evaluation(
    run: Run, split: str, crops: Crops = "1", clips: int = 1
) -> Evaluation | None:
    """Returns the stored evaluation of a run for a split and views, or None if it is not current.

    It is current if it is newer than the model and covers the clips that the run recorded for the
    split.

    Args:
        run: The run.
        split: Part of the data.
        crops: Views in space.
        clips: Views in time.

    Raises:
        UserError: If it is damaged.
    """
    folder, model = run.path / "evaluation", run.path / "model.keras"
    own = split if (crops, clips) == ("1", 1) else f"{split}-crops-{crops}-clips-{clips}"
    digest = run.identity.digest if run.identity else None
    # Earlier versions used the name of the split for all views.
    for name in dict.fromkeys((own, split)):
        file = folder / f"{name}.json"
        if not file.is_file() or not model.is_file():
            continue
        if file.stat().st_mtime < model.stat().st_mtime:
            continue
        found = Evaluation.read(folder, name)
        if (found.name, found.data_digest) == (own, digest):
            return found
    return None


def stored_evaluations(run: Run) -> Iterator[Evaluation]:
    """Yields the stored evaluations of a run: test split first, the newest of each split first.

    Raises:
        UserError: If one is damaged.
    """
    folder = run.path / "evaluation"
    for split in SPLITS:
        files = [*folder.glob(f"{split}.json"), *folder.glob(f"{split}-*.json")]
        files.sort(key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)
        yield from (Evaluation.read(folder, file.stem) for file in files)


def latest_evaluation(run: Run) -> Evaluation | None:
    """Returns the latest stored evaluation of a run, preferably on test clips.

    Raises:
        UserError: If it is damaged.
    """
    return next(stored_evaluations(run), None)
