"""Evaluations that were written into a run: found again by what they measured."""

from pan_keras.evaluation.evaluation_result import Evaluation
from pan_keras.inference.views import Crops
from pan_keras.runs.run import Run

SPLITS = ("test", "all", "val", "train")  # the first that was evaluated is reported


def stored_evaluation(
    run: Run, split: str, crops: Crops = "1", clips: int = 1
) -> Evaluation | None:
    """What was measured of a run with one split and kind of views, where it still holds.

    It does not where the model is newer, or where it was not measured on the clips that the run
    recorded for the split.

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
    # Earlier versions wrote all kinds of views under the name of the split.
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


def latest_evaluation(run: Run) -> Evaluation | None:
    """What was measured last of a run, on test clips where it ever was.

    Raises:
        UserError: If it is damaged.
    """
    folder = run.path / "evaluation"
    for split in SPLITS:
        files = [*folder.glob(f"{split}.json"), *folder.glob(f"{split}-*.json")]
        if files:
            newest = max(files, key=lambda file: (file.stat().st_mtime_ns, file.name))
            return Evaluation.read(folder, newest.stem)
    return None
