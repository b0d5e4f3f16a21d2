"""Accuracy over the official folds of a data set, from a run for each fold."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pan_keras.data import card_names, load_card
from pan_keras.data.published_benchmark import PublishedBenchmark
from pan_keras.errors import UserError
from pan_keras.evaluation.evaluating import evaluate
from pan_keras.evaluation.origin import Origin
from pan_keras.files import replacing
from pan_keras.inference.bundle_classifier import BundleClassifier
from pan_keras.inference.opening import Source, open_classifier
from pan_keras.inference.views import Crops, Fuse, MakeScorer, ViewClassifier
from pan_keras.metrics import Interval, mean_interval
from pan_keras.runs.run import Run, open_run

METRICS = {"top1": "top-1", "top5": "top-5", "mean_class": "mean class"}


@dataclass(frozen=True)
class FoldScore:
    """Accuracy of the run of one official fold.

    Attributes:
        fold: Number of the fold.
        run: The run folder.
        clips: Clips tested.
        top1: Share of clips classified correctly.
        top5: Share of clips with the ground truth among the five most probable classes.
        mean_class: Mean of the classes' accuracies.

    Example:
        >>> FoldScore(1, "runs/fold-1", clips=3783, top1=0.9, top5=0.99, mean_class=0.89).fold
        1
    """

    fold: int
    run: str
    clips: int
    top1: float
    top5: float
    mean_class: float


@dataclass(frozen=True)
class FoldScores:
    """Accuracy over all official folds of a data set.

    Attributes:
        data: Name of the data set.
        split: Part of the data.
        crops: Views in space.
        temporal_clips: Views in time.
        metric: The accuracy that the data set's protocol reports.
        folds: The folds.

    Example:
        >>> folds = (FoldScore(1, "a", 9, 0.8, 1.0, 0.7), FoldScore(2, "b", 9, 0.9, 1.0, 0.8))
        >>> scores = FoldScores("ucf101", "test", "full", 2, "mean_class", folds)
        >>> round(scores.mean("mean_class"), 2), round(scores.mean("top1"), 2)
        (0.75, 0.85)
        >>> [round(bound, 2) for bound in scores.interval("mean_class")]
        [0.11, 1.0]
        >>> scores.to_json()["mean_class"]["mean"] == scores.mean("mean_class")
        True
        >>> scores.to_text().splitlines()[0]
        'ucf101: test clips of 2 official folds, views full x 2'
    """

    data: str
    split: str
    crops: str
    temporal_clips: int
    metric: str
    folds: tuple[FoldScore, ...]

    def mean(self, metric: str) -> float:
        """Mean accuracy over the folds.

        Args:
            metric: `top1`, `top5` or `mean_class`.

        Returns:
            A fraction.
        """
        return statistics.fmean(self._values(metric))

    def interval(self, metric: str) -> Interval:
        """95 % interval of the mean over folds, by Student's t.

        Args:
            metric: `top1`, `top5` or `mean_class`.

        Returns:
            Its bounds.
        """
        return mean_interval(self._values(metric))

    def to_json(self) -> dict[str, Any]:
        """The scores as a JSON object.

        Returns:
            Mean and interval of each metric, and every fold.
        """
        return {
            **{key: value for key, value in asdict(self).items() if key != "folds"},
            **{
                metric: {"mean": self.mean(metric), "interval": list(self.interval(metric))}
                for metric in METRICS
            },
            "folds": [asdict(fold) for fold in self.folds],
        }

    def to_text(self) -> str:
        """The scores as text.

        Returns:
            A table, and the means with their intervals; the metric of the protocol is marked.
        """
        lines = [
            f"{self.data}: {self.split} clips of {len(self.folds)} official folds, views "
            f"{self.crops} x {self.temporal_clips}",
            "fold  clips   top-1   top-5  mean class  run",
        ]
        lines += [
            f"{fold.fold:>4}  {fold.clips:>5}  {fold.top1:6.1%}  {fold.top5:6.1%}  "
            f"{fold.mean_class:10.1%}  {fold.run}"
            for fold in self.folds
        ]
        for metric, name in METRICS.items():
            low, high = self.interval(metric)
            mark = "  (as in the paper)" if metric == self.metric else ""
            lines.append(
                f"mean {name:<11}{self.mean(metric):6.1%}  (95 %: {low:.1%} to {high:.1%}){mark}"
            )
        return "\n".join(lines)

    def _values(self, metric: str) -> list[float]:
        return [getattr(fold, metric) for fold in self.folds]


def evaluate_folds(
    runs: Sequence[str | Path],
    *,
    root: str | Path | None = None,
    split: str = "test",
    crops: Crops = "1",
    clips: int = 1,
    fuse: Fuse = "logits",
    batch: int = 8,
    checkpoint: str = "kept",
    progress: bool = True,
    scorer: MakeScorer = ViewClassifier,
) -> FoldScores:
    """Evaluates a run for each official fold of a data set, each on the clips of its own fold.

    Args:
        runs: The run folders, one for each fold, in any order.
        root: Folder of the prepared data, if it was moved.
        split: As for `evaluate`.
        crops: As for `evaluate`.
        clips: As for `evaluate`.
        fuse: As for `evaluate`.
        batch: As for `evaluate`.
        checkpoint: As for `evaluate`.
        progress: As for `evaluate`.
        scorer: As for `evaluate`.

    Returns:
        Mean and interval over the folds.

    Raises:
        UserError: If a folder is not a run on an official fold, the runs are of several data sets
            or networks, or a fold is missing or given twice.

    Example:
        >>> evaluate_folds(["runs/demo"])
        Traceback (most recent call last):
        pan_keras.errors.UserError: runs/demo: was not trained on an official fold of a data set...
    """
    opened = [open_run(run) for run in runs]
    by_fold = _by_fold(opened)
    benchmark = protocol_of(opened[0].path)
    scores = []
    for fold, run in by_fold.items():
        found = evaluate(
            run.path,
            root=None if root is None else Path(root),
            split=split,
            crops=crops,
            clips=clips,
            fuse=fuse,
            batch=batch,
            checkpoint=checkpoint,
            progress=progress,
            scorer=scorer,
        )
        shares = (found.top1, found.top5, found.mean_class)
        scores.append(FoldScore(fold, str(run.path), found.clips, *shares))
    name = opened[0].card.name if opened[0].card else ""
    return FoldScores(name, split, crops, clips, benchmark.metric, tuple(scores))


def protocol_of(source: Source) -> PublishedBenchmark:
    """Returns the protocol of the data set that a run or bundle was trained on.

    Args:
        source: A run folder or a bundle.

    Raises:
        UserError: If its data set has none, or the views need another size than a bundle's.
    """
    classifier = open_classifier(source)
    origin = Origin.of(classifier)
    card = origin.run.card if origin.run is not None else None
    if card is None and origin.data.source in card_names():
        card = load_card(origin.data.source)
    if card is None or card.benchmark is None:
        raise UserError(
            f"{classifier.path}: was not trained on a published data set, whose card has a "
            "protocol; leave out --protocol"
        )
    if card.benchmark.crops == "full" and isinstance(classifier, BundleClassifier):
        raise UserError(
            f"{classifier.path}: the protocol of {card.name} takes whole frames, and the size of "
            "an exported model is fixed; evaluate the run, or give --split, --crops and --clips"
        )
    return card.benchmark


def write_scores(scores: FoldScores, folder: Path) -> None:
    """Writes `folds.json` and `folds.txt`.

    Args:
        scores: The scores.
        folder: The folder; created if absent.
    """
    for name, text in (
        ("folds.json", json.dumps(scores.to_json(), indent=1)),
        ("folds.txt", scores.to_text()),
    ):
        with replacing(folder / name) as temporary:
            temporary.write_text(f"{text}\n", encoding="utf-8")


def _by_fold(runs: Sequence[Run]) -> Mapping[int, Run]:
    """Returns the run of each official fold.

    Raises:
        UserError: As for `evaluate_folds`.
    """
    found: dict[int, Run] = {}
    first = runs[0]
    for run in runs:
        fold, card = run.config.data.fold, run.card
        if fold is None or card is None or card.benchmark is None or first.card is None:
            raise UserError(
                f"{run.path}: was not trained on an official fold of a data set; train with --fold"
            )
        if card.name != first.card.name or run.config.model.name != first.config.model.name:
            raise UserError(
                f"{run.path}: is {run.title}, but {first.path} is {first.title}; give runs of one "
                "network on one data set"
            )
        if fold in found:
            raise UserError(
                f"{run.path}: was trained on fold {fold}, as {found[fold].path} was; give one run "
                "for each fold"
            )
        found[fold] = run
    assert first.card is not None
    assert first.card.benchmark is not None
    missing = [each for each in range(1, first.card.benchmark.folds + 1) if each not in found]
    if missing:
        raise UserError(
            f"{first.card.name}: no run of fold {missing[0]} is given, and the mean is over "
            f"{first.card.benchmark.folds} folds; train it with --fold {missing[0]}"
        )
    return dict(sorted(found.items()))
