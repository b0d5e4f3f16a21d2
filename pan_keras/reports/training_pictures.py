"""Training pictures for TensorBoard: confusion matrix, and PA of fixed validation clips."""

import time
from collections.abc import Iterator, Sequence
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from pan_keras.clips import ClipShape
from pan_keras.data import Clip
from pan_keras.drawing import figures, panels
from pan_keras.drawing.colours import heat, scale_of
from pan_keras.inference.motion_cue import MotionCue
from pan_keras.input import FrameStore, clip_views
from pan_keras.metrics.scores import confusion_matrix
from pan_keras.models.networks import networks
from pan_keras.training.callbacks import TrainerView, TrainingCallback
from pan_keras.video import BrokenVideo

CLIPS = 4
SHARE = 0.02  # maximum share of the time spent on pictures
SIDE = 96  # minimum shorter side of a frame in pixels


class TrainingPictures(TrainingCallback):
    """Writes `Pictures` of the validation clips to the TensorBoard folder of a run.

    Example:
        >>> callbacks = [TrainingPictures()]  # for `train(..., callbacks=callbacks)`
    """

    def set_trainer(self, trainer: TrainerView) -> None:
        """Prepares the pictures of the trainer's model and clips."""
        super().set_trainer(trainer)
        clips = trainer.validation.clips
        self._pictures = Pictures(
            trainer.model, trainer.classes, clips, trainer.shape, trainer.store
        )

    def on_validation_end(self, labels: np.ndarray, predicted: np.ndarray) -> None:
        """Writes the pictures if they are due."""
        self._pictures.write(labels, predicted)


class Pictures:
    """Confusion matrix and PA of validation clips for TensorBoard.

    Writes `confusion` and, for a network with PA, `motion`: the first frame of each segment of a
    few fixed clips above the mean of its motion maps, with the scale below. Pictures are written
    after the first epoch, and then as often as they take at most 2 % of the time.

    Args:
        model: The network in training.
        classes: Names of the classes.
        clips: Validation clips, of which four, evenly spaced, are shown.
        shape: Shape of the network's clips.
        store: Source of decoded frames.

    Example:
        >>> pictures = Pictures(model, data.classes, data.clips("val"), run.shape, store)
        >>> with writer.as_default(step=100):
        ...     pictures.write(labels, predicted)
    """

    def __init__(
        self,
        model: keras.Model,
        classes: Sequence[str],
        clips: Sequence[Clip],
        shape: ClipShape,
        store: FrameStore,
    ):
        self.classes = classes
        self.clips = clips
        self.shape = shape
        self.store = store
        self.cue = MotionCue.of_networks(networks(model), "the filters of the network in training")
        self._due = 0.0

    def write(self, labels: np.ndarray, predicted: np.ndarray) -> None:
        """Writes the pictures of an epoch to the default writer if they are due.

        Args:
            labels: `(clips,)`, the true classes of the validation clips.
            predicted: `(clips,)`, the predicted classes.
        """
        start = time.monotonic()
        if start < self._due:
            return
        matrix = confusion_matrix(labels, predicted, len(self.classes))
        picture = figures.pixels(figures.confusion_figure(matrix, self.classes))
        tf.summary.image("confusion", picture[None])
        if self.cue is not None and self._shown:
            tf.summary.image("motion", np.stack(list(self._motion(self.cue))), max_outputs=CLIPS)
        end = time.monotonic()
        self._due = end + (end - start) / SHARE

    def _motion(self, cue: MotionCue) -> Iterator[np.ndarray]:
        """Draws a picture of each clip."""
        size = panels.viewing_size(self.shape.size, SIDE)
        for label, stacks in self._shown:
            maps = cue(stacks).mean(axis=1)
            highest = scale_of(maps)
            frames = panels.row([panels.enlarge(stack[0], size) for stack in stacks])
            maps_in_colour = [panels.enlarge(heat(each, highest), size) for each in maps]
            title = panels.blank(panels.MARGIN, frames.shape[1])
            panels.write(title, self.classes[label], (2, panels.MARGIN - 9))
            legend = panels.heat_legend(highest, frames.shape[1], "PA ")
            yield np.vstack([title, frames, panels.row(maps_in_colour), legend])

    @cached_property
    def _shown(self) -> list[tuple[int, np.ndarray]]:
        """Label and stacks, uint8 (N, m, H, W, 3), of the clips shown."""
        chosen = np.unique(np.linspace(0, len(self.clips) - 1, CLIPS).astype(int))
        found = []
        for clip in (self.clips[place] for place in chosen):
            try:
                found.append((clip.label, clip_views(clip, self.shape, self.store)[0]))
            except BrokenVideo:
                continue  # the store records it, and the run reports it
        return found
