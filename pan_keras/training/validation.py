"""Loss and accuracy on the validation clips, after an epoch."""

import shlex
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.inference.keras_inference import Inference
from pan_keras.input import FrameStore, LeftOut, evaluation_dataset
from pan_keras.runs.run import Run
from pan_keras.training.pictures import Pictures


class Validation:
    """Runs the model in training over the validation clips.

    A clip that breaks is left out from this validation on; `left_out` remembers it.

    Args:
        run: The run, which says what the model takes in.
        clips: The clips; there may be none.
        inference: The model.
        store: Source of decoded frames.
        left_out: Clips that broke earlier in the run.
        pictures: What TensorBoard shows of the clips.
        batch: Clips at a time.

    Example:
        >>> validation(position=96)
        {'val_loss': 0.61, 'val_accuracy': 0.75}
    """

    def __init__(
        self,
        run: Run,
        clips: Sequence[Clip],
        inference: Inference,
        store: FrameStore,
        left_out: LeftOut,
        pictures: Pictures,
        batch: int,
    ):
        self.run = run
        self.clips = clips
        self.inference = inference
        self.store = store
        self.left_out = left_out
        self.pictures = pictures
        self.batch = batch

    def __call__(self, position: int) -> dict[str, float]:
        """Measures, and writes pictures to the default writer of TensorBoard.

        Args:
            position: Training examples that were seen before.

        Returns:
            `val_loss` and `val_accuracy`; nothing where there are no clips.

        Raises:
            UserError: If there are clips and none of them can be read.
        """
        if not self.clips:
            return {}
        clips = [clip for clip in self.clips if not self.left_out.holds(clip.path, position)]
        dataset = evaluation_dataset(
            clips,
            self.run.shape,
            batch=self.batch,
            store=self.store,
            sampling=self.run.config.augmentation.validation_sampling,
            workers=self.run.config.data.workers,
        )
        logits, index = self.inference(dataset, self.batch)
        if not len(index):
            # Nothing is noted as left out: the run can go on when the clips are back.
            raise UserError(
                f"none of the {len(self.clips)} validation clips can be decoded any more; check "
                "that the disk with the data is there, and go on with pan-keras train --resume "
                f"--run {shlex.quote(str(self.run.path))}"
            )
        broken = self.store.broken.keys() & {clip.path for clip in clips}
        self.left_out.add({path: self.store.broken[path] for path in broken}, position)
        labels = np.array([clips[row].label for row in index])
        scores = np.asarray(tf.nn.log_softmax(logits.astype("float64")))
        self.pictures.write(labels, scores.argmax(-1))
        return {
            "val_loss": float(-scores[np.arange(len(labels)), labels].mean()),
            "val_accuracy": float((scores.argmax(-1) == labels).mean()),
        }
