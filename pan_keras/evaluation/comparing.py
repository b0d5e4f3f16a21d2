"""Compares runs on their common clips, evaluating them where needed."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.evaluation.clips import ClipKey, results_by_clip, seen_before
from pan_keras.evaluation.comparison import ClassAccuracies, Comparison, RunPair, RunScore, names_of
from pan_keras.evaluation.evaluating import evaluate
from pan_keras.evaluation.origin import Origin
from pan_keras.evaluation.results import ClipResult, Evaluation, stored_evaluation
from pan_keras.inference.views import Crops
from pan_keras.metrics import holm, mcnemar, wilson
from pan_keras.models.cost import cost
from pan_keras.runs.run import Run, open_run

Results = dict[ClipKey, ClipResult]


def compare(
    runs: Sequence[Path | str],
    *,
    split: str = "test",
    crops: Crops = "1",
    clips: int = 1,
    progress: bool = True,
) -> Comparison:
    """Compares runs on the clips that all of them were evaluated on.

    The stored evaluation of a run is used if it is newer than the model and covers the clips that
    the run recorded; otherwise the run is evaluated now.

    Args:
        runs: Two or more run folders.
        split: Part of the data.
        crops: Views in space: `"1"`, `"3"` or `"full"`.
        clips: Views in time: 1, 2 or 10.
        progress: Whether to show a bar on a terminal.

    Returns:
        Accuracy and cost of each run, the difference of each pair, and accuracy per class.

    Raises:
        UserError: If there are fewer than two runs, a run has no model, they differ in classes or
            have no clip in common, or one was trained on test clips of another.

    Example:
        >>> comparison = compare(["runs/demo", "runs/demo/baseline"])
        >>> comparison.pairs[0].p
        0.0004

    References:
        PAN paper, Fig. 5.
    """
    opened = [open_run(run) for run in runs]
    if len(opened) < 2:
        raise UserError(f"{len(opened)} run is not enough to compare; give two or more")
    names = names_of([str(run.path) for run in opened])
    if len(set(names)) < len(names):
        raise UserError(f"{', '.join(names)}: a run is given twice; give each once")
    evaluations = [measured(run, split, crops, clips, progress=progress) for run in opened]
    _check_classes(evaluations)
    origins = [Origin.of(run) for run in opened]
    notes = _notes(origins, evaluations, split)
    results = results_by_clip(origins, [each.results for each in evaluations])
    common = sorted(set.intersection(*(set(each) for each in results)))
    if not common:
        raise UserError(
            f"{names[0]} and {names[1]}: no clip in common; evaluate them on the same data"
        )
    scores = [_score(*item, common) for item in zip(opened, names, results, strict=True)]
    first = evaluations[0]
    return Comparison(
        data=first.data,
        split=split,
        clips=len(common),
        left_out=len(set.union(*(set(each) for each in results))) - len(common),
        views=first.views,
        runs=tuple(scores),
        pairs=_pairs(names, results, common),
        classes=_classes(first.classes, results, common),
        notes=tuple(dict.fromkeys(notes)),
    )


def measured(
    run: Run, split: str, crops: Crops = "1", clips: int = 1, *, progress: bool = True
) -> Evaluation:
    """Returns the stored evaluation of a run if it is current, otherwise evaluates the run.

    Args:
        run: The run.
        split: Part of the data.
        crops: Views in space.
        clips: Views in time.
        progress: Whether to show a bar on a terminal.

    Raises:
        UserError: If the run has no model, or its evaluation is damaged.
    """
    found = stored_evaluation(run, split, crops, clips)
    if found is not None:
        return found
    return evaluate(run.path, split=split, crops=crops, clips=clips, progress=progress)


def _check_classes(evaluations: Sequence[Evaluation]) -> None:
    first = evaluations[0]
    for each in evaluations[1:]:
        if set(each.classes) != set(first.classes):
            raise UserError(
                f"{each.runs[0]}: its classes differ from those of {first.runs[0]}; "
                "compare runs with the same classes"
            )


def _notes(origins: Sequence[Origin], evaluations: Sequence[Evaluation], split: str) -> list[str]:
    """Notes on the clips; raises UserError if a run was trained on another's test clips."""
    notes = [note for each in evaluations for note in each.notes]
    for origin, evaluation in zip(origins, evaluations, strict=True):
        root = None if origin.clips is None else origin.clips.root
        paths = [Path(clip.path) for clip in evaluation.results]
        for other in origins:
            if other is not origin:
                notes += seen_before(other, other.clips, paths, root, split)
    return notes


def _right(results: Results, clip: ClipKey) -> bool:
    return results[clip].truth == results[clip].predicted


def _score(run: Run, name: str, results: Results, common: Sequence[ClipKey]) -> RunScore:
    right = sum(_right(results, clip) for clip in common)
    counted = cost(run.load_model())
    return RunScore(
        name=name,
        path=str(run.path),
        model=run.config.model.name,
        top1=right / len(common),
        interval=wilson(right, len(common)),
        parameters=counted.parameters,
        macs=counted.macs,
        needed_macs=counted.needed_macs,
    )


def _pairs(
    names: Sequence[str], results: Sequence[Results], common: Sequence[ClipKey]
) -> tuple[RunPair, ...]:
    counts = []
    for i, j in combinations(range(len(names)), 2):
        rights = [(_right(results[i], clip), _right(results[j], clip)) for clip in common]
        counts.append(
            (names[i], names[j], rights.count((True, False)), rights.count((False, True)))
        )
    p_values = [mcnemar(first, second) for _, _, first, second in counts]
    return tuple(
        RunPair(*count, p, adjusted)
        for count, p, adjusted in zip(counts, p_values, holm(p_values), strict=True)
    )


def _classes(
    classes: Sequence[str], results: Sequence[Results], common: Sequence[ClipKey]
) -> tuple[ClassAccuracies, ...]:
    found = []
    for name in classes:
        clips = [clip for clip in common if results[0][clip].truth == name]
        if clips:
            shares = (sum(_right(each, clip) for clip in clips) / len(clips) for each in results)
            found.append(ClassAccuracies(name, len(clips), tuple(shares)))
    return tuple(sorted(found, key=lambda each: -each.spread))
