"""Loss and accuracy on the validation clips, after an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pan_keras.config.config import Config
from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.inference.keras_inference import Inference
from pan_keras.input import FrameStore, LeftOut, evaluation_dataset
from pan_keras.runs.run import clip_shape


@dataclass(frozen=True)
class Validated:
    """The result of a validation.

    Attributes:
        labels: `(clips,)`, the true classes.
        predicted: `(clips,)`, the most probable classes.
        loss: Mean cross-entropy.
        accuracy: Share of the clips whose class was found.
    """

    labels: np.ndarray
    predicted: np.ndarray
    loss: float
    accuracy: float


class Validation:
    """Runs the model in training over the validation clips.

    A clip that breaks is left out from this validation on; `left_out` remembers it.

    Args:
        config: The configuration, which gives clip shape, sampling and workers.
        clips: The clips; there may be none.
        inference: The model.
        store: Source of decoded frames.
        left_out: Clips that broke earlier in the run.
        batch: Clips at a time.
        command: The command that resumes the run, for errors.

    Example:
        >>> validation(position=96).accuracy
        0.75
    """

    def __init__(
        self,
        config: Config,
        clips: Sequence[Clip],
        inference: Inference,
        store: FrameStore,
        left_out: LeftOut,
        batch: int,
        command: str,
    ):
        self.config = config
        self.clips = clips
        self.inference = inference
        self.store = store
        self.left_out = left_out
        self.batch = batch
        self.command = command

    def __call__(self, position: int) -> Validated:
        """Measures on all clips that can be read.

        Args:
            position: Training examples that were seen before.

        Raises:
            UserError: If none of the clips can be read.
        """
        clips = [clip for clip in self.clips if not self.left_out.holds(clip.path, position)]
        dataset = evaluation_dataset(
            clips,
            clip_shape(self.config),
            batch=self.batch,
            store=self.store,
            sampling=self.config.augmentation.validation_sampling,
            workers=self.config.data.workers,
        )
        logits, index = self.inference(dataset, self.batch)
        if not len(index):
            # Nothing is noted as left out: the run can go on when the clips are back.
            raise UserError(
                f"none of the {len(self.clips)} validation clips can be decoded any more; check "
                f"that the disk with the data is there, and go on with {self.command}"
            )
        broken = self.store.broken.keys() & {clip.path for clip in clips}
        self.left_out.add({path: self.store.broken[path] for path in broken}, position)
        labels = np.array([clips[row].label for row in index])
        scores = np.asarray(tf.nn.log_softmax(logits.astype("float64")))
        predicted = scores.argmax(-1)
        return Validated(
            labels=labels,
            predicted=predicted,
            loss=float(-scores[np.arange(len(labels)), labels].mean()),
            accuracy=float((predicted == labels).mean()),
        )
