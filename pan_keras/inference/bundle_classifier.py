"""Class probabilities of whole videos by a bundle, without TensorFlow and Keras."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pan_keras.data.clip import Clip
from pan_keras.errors import UserError
from pan_keras.inference.bundled_run import BundledRun
from pan_keras.inference.views import Crops, Fuse, probabilities
from pan_keras.runtime.preprocessing import views_from_video
from pan_keras.runtime.recognition import softmax
from pan_keras.video.container import BrokenVideo


class BundleClassifier:
    """A model file of a bundle, applied to several crops and moments of each clip.

    Answers as `pan_keras.inference.views.ClipClassifier` does for the same bundle.

    Args:
        run: The bundle.
        crops: Views in space: `"1"` the centre, `"3"` three crops.
        temporal: Views in time: 1, 2 (twice-sample) or 10 (dense).
        fuse: What is averaged over the views: `"logits"` or `"probabilities"`.

    Raises:
        UserError: If the model file is absent or damaged, or is to see the whole frame.
    """

    def __init__(
        self, run: BundledRun, crops: Crops = "1", temporal: int = 1, fuse: Fuse = "logits"
    ):
        if crops == "full":
            raise UserError(
                f"{run.path}: the size of an exported model is fixed; give --crops 1 or 3"
            )
        self.run = run
        self.crops = crops
        self.temporal = temporal
        self.fuse: Fuse = fuse
        self.recogniser = run.inference().recogniser

    def __call__(self, clips: Sequence[Clip]) -> tuple[dict[int, np.ndarray], dict[Path, str]]:
        """Classifies clips.

        Args:
            clips: What to classify; the labels are not looked at.

        Returns:
            The probabilities (classes,) float64 of each clip by its position in `clips`, and
            the reasons for which the others could not be read.
        """
        found, broken = {}, {}
        for position, clip in enumerate(clips):
            try:
                views = views_from_video(clip.path, self.run.shape, self.crops, self.temporal)
            except BrokenVideo as error:
                broken[clip.path] = error.reason
                continue
            logits = np.stack([self.recogniser.logits(view) for view in views])
            scores = logits.astype("float64") if self.fuse == "logits" else softmax(logits)
            found[position] = probabilities(scores.mean(axis=0), self.fuse)
        return found, broken
