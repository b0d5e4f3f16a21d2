"""Scores of whole clips: the mean over the views that evaluation takes of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from pan_keras.clips.crops import full_size
from pan_keras.clips.framing import framing
from pan_keras.data.clip import Clip
from pan_keras.errors import UserError
from pan_keras.inference.bundle_inference import BundleInference
from pan_keras.inference.bundled_run import BundledRun
from pan_keras.runs.run import Run
from pan_keras.runtime.recognition import softmax

if TYPE_CHECKING:  # a bundle needs neither
    import keras

    from pan_keras.inference.keras_inference import Inference

Crops = Literal["1", "3", "full"]
Fuse = Literal["logits", "probabilities"]


class ClipClassifier:
    """The model of a run, applied to several crops and moments of each clip.

    The score of a clip is the mean over its views of the logits, as in the reference, or of the
    probabilities.

    Args:
        run: The run or bundle whose model it is.
        crops: Views in space: `"1"` the centre, `"3"` three crops, `"full"` the whole frame, for
            which the network of a run is rebuilt at the larger size.
        temporal: Views in time: 1, 2 (twice-sample) or 10 (dense).
        batch: Views per step.
        fuse: What is averaged: `"logits"` or `"probabilities"`.

    Raises:
        UserError: If `fuse` is unknown, the model is absent or damaged, or a bundle is to see the
            whole frame.

    Example:
        >>> classify = ClipClassifier(open_run("runs/demo"))
        >>> probabilities, broken = classify([Clip(Path("wave.mp4"), label=0, split="test")])
        >>> probabilities[0].shape
        (8,)
    """

    def __init__(
        self,
        run: Run | BundledRun,
        crops: Crops = "1",
        temporal: int = 1,
        batch: int = 8,
        fuse: Fuse = "logits",
    ):
        if fuse not in get_args(Fuse):
            raise UserError(f"fuse {fuse}: give one of {', '.join(get_args(Fuse))}")
        self.framing = framing(run.shape, crops)
        self.run = run
        self.crops = crops
        self.temporal = temporal
        self.batch = batch
        self.fuse = fuse
        self.inference = _inference(run, crops)

    @property
    def views(self) -> int:
        """Views of one clip."""
        return self.temporal * (3 if self.crops == "3" else 1)

    def __call__(
        self, clips: Sequence[Clip], advance: Callable[[int], None] | None = None
    ) -> tuple[dict[int, np.ndarray], dict[Path, str]]:
        """Classifies clips.

        Args:
            clips: What to classify; the labels are not looked at.
            advance: Called with the number of views done after each batch.

        Returns:
            The probabilities (classes,) float64 of each clip by its position in `clips`, and
            the reasons for which the others could not be read.

        Raises:
            UserError: If the model gives values that are not numbers.
        """
        found, broken = self.scores(clips, advance)
        return {row: probabilities(score, self.fuse) for row, score in found.items()}, broken

    def scores(
        self, clips: Sequence[Clip], advance: Callable[[int], None] | None = None
    ) -> tuple[dict[int, np.ndarray], dict[Path, str]]:
        """As calling it, but with what is averaged, logits or probabilities, in each row."""
        from pan_keras.input import FrameStore, evaluation_dataset  # noqa: PLC0415 (TensorFlow)

        store = FrameStore(self.framing)
        dataset = evaluation_dataset(
            clips,
            self.run.shape,
            batch=self.batch,
            crops=self.crops,
            temporal=self.temporal,
            store=store,
            workers=self.run.config.data.workers,
        )
        logits, index = self.inference(dataset, self.batch, advance)
        if not np.isfinite(logits).all():
            raise UserError(
                f"{self.run.path}: its model gives values that are not numbers; "
                "train again with a lower training.learning_rate"
            )
        sums = np.zeros((len(clips), logits.shape[-1]))
        np.add.at(sums, index, logits if self.fuse == "logits" else softmax(logits))
        # A clip that broke half way has too few views to be compared with the others.
        seen = np.flatnonzero(np.bincount(index, minlength=len(clips)) == self.views)
        return {int(row): sums[row] / self.views for row in seen}, dict(store.broken)


def probabilities(scores: np.ndarray, fuse: Fuse) -> np.ndarray:
    """The probabilities (..., classes) that averaged scores stand for.

    Args:
        scores: Mean logits or mean probabilities, (..., classes).
        fuse: Which of the two they are.
    """
    return softmax(scores) if fuse == "logits" else scores


def _inference(run: Run | BundledRun, crops: Crops) -> "Inference | BundleInference":
    if isinstance(run, Run):
        from pan_keras.inference.keras_inference import Inference  # noqa: PLC0415 (TensorFlow)

        model = run.load_model()
        return Inference(at_size(model, full_size(run.shape)) if crops == "full" else model)
    if crops == "full":
        raise UserError(f"{run.path}: the size of an exported model is fixed; give --crops 1 or 3")
    return run.inference()


def at_size(model: "keras.Model", size: tuple[int, int]) -> "keras.Model":
    """The same network with the same weights for frames of another size.

    Args:
        model: A video classifier.
        size: Height and width in pixels.
    """
    if tuple(model.size) == tuple(size):
        return model
    twin = type(model).from_config({**model.get_config(), "size": size})
    twin.set_weights(model.get_weights())
    return twin
