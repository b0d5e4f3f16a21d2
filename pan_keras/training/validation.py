"""Validation loss and accuracy after an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pan_keras.config.config import Config
from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.inference import Classifier
from pan_keras.input import FrameStore, LeftOut, evaluation_dataset


@dataclass(frozen=True)
class Validated:
    """The result of a validation.

    Attributes:
        labels: `(clips,)`, the true classes.
        predicted: `(clips,)`, the most probable classes.
        loss: Mean cross-entropy.
        accuracy: Fraction of clips classified correctly.
    """

    labels: np.ndarray
    predicted: np.ndarray
    loss: float
    accuracy: float


class Validation:
    """Measures the model in training on the validation clips.

    A clip that cannot be read is left out from then on, which `left_out` records.

    Args:
        config: The configuration, for sampling and workers.
        clips: The validation clips; may be empty.
        classifier: The model.
        store: Source of decoded frames.
        left_out: Clips that could not be read earlier in the run.
        command: The command that resumes the run, for error messages.

    Example:
        >>> validation(position=96).accuracy
        0.75
    """

    def __init__(
        self,
        config: Config,
        clips: Sequence[Clip],
        classifier: Classifier,
        store: FrameStore,
        left_out: LeftOut,
        command: str,
    ):
        self.config = config
        self.clips = clips
        self.classifier = classifier
        self.store = store
        self.left_out = left_out
        self.command = command

    def __call__(self, position: int) -> Validated:
        """Measures the model on all clips that can be read.

        Args:
            position: Training examples seen so far.

        Raises:
            UserError: If none of the clips can be read.
        """
        clips = [clip for clip in self.clips if not self.left_out.holds(clip.path, position)]
        dataset = evaluation_dataset(
            clips,
            self.classifier.shape,
            batch=self.classifier.batch,
            store=self.store,
            sampling=self.config.augmentation.validation_sampling,
            workers=self.config.data.workers,
        )
        found: list[np.ndarray] = []
        index: list[int] = []
        for frames, rows in dataset.as_numpy_iterator():
            found.append(self.classifier.logits(frames))
            index.extend(rows)
        if not index:
            # Nothing is recorded as left out: the run can be resumed once the clips are back.
            raise UserError(
                f"none of the {len(self.clips)} validation clips can be decoded any more; check "
                f"that the disk with the data is there, and continue with {self.command}"
            )
        broken = self.store.broken.keys() & {clip.path for clip in clips}
        self.left_out.add({path: self.store.broken[path] for path in broken}, position)
        labels = np.array([clips[row].label for row in index])
        logits = np.concatenate(found).astype("float64")
        scores = np.asarray(tf.nn.log_softmax(logits))
        predicted = scores.argmax(-1)
        return Validated(
            labels=labels,
            predicted=predicted,
            loss=float(-scores[np.arange(len(labels)), labels].mean()),
            accuracy=float((predicted == labels).mean()),
        )
