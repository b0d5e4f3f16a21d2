"""A Keras model as a classifier, compiled once for all batches."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pan_keras.clips import ClipShape, LiveSegment, LiveWindow, full_size
from pan_keras.clips.opencv_resizing import resize
from pan_keras.errors import UserError
from pan_keras.inference.classifier import require_frames
from pan_keras.metrics.confidence import Confidence
from pan_keras.models import VideoNetwork
from pan_keras.models.networks import networks
from pan_keras.runs.model_input import cue_folder
from pan_keras.runs.run import Run
from pan_keras.runtime.preprocessing import frame_for_model


class KerasClassifier:
    """A Keras model, loaded on first use; a `Classifier`.

    Made by `of_run` or `of_model`.

    Args:
        load_model: Returns the model.
        labels: Class names in the order of the logits.
        shape: Shape of the clips it takes.
        path: Its run folder or file, or the name of the model.
        batch: Clips per call. A smaller batch is padded, so that nothing is compiled twice.
        workers: Threads that decode videos for it.
        run: The run it belongs to, if any.
        named: Whether the labels are class names, not numbers in place of missing names.

    Example:
        >>> model = pan_keras.models.create("pan_lite_micro", classes=8, size=64)
        >>> KerasClassifier.of_model(model).shape.array
        (8, 4, 64, 64, 3)
    """

    streams = False

    def __init__(
        self,
        load_model: Callable[[], keras.Model],
        labels: Sequence[str],
        shape: ClipShape,
        path: Path,
        *,
        batch: int = 8,
        workers: int = 2,
        run: Run | None = None,
        named: bool = True,
    ):
        self._load_model = load_model
        self.labels = tuple(labels)
        self.shape = shape
        self.path = path
        self.batch = batch
        self.workers = workers
        self.run = run
        self.named = named

    @classmethod
    def of_run(cls, run: Run, batch: int = 8) -> "KerasClassifier":
        """The model of a run.

        Args:
            run: The run; its `checkpoint` selects the model.
            batch: Clips per call.
        """
        workers = run.config.data.workers
        return cls(
            run.load_model, run.labels, run.shape, run.path, batch=batch, workers=workers, run=run
        )

    @classmethod
    def of_model(
        cls,
        model: keras.Model,
        labels: Sequence[str] | None = None,
        shape: ClipShape | None = None,
        *,
        path: Path | None = None,
        batch: int = 8,
    ) -> "KerasClassifier":
        """A classifier for a model in memory.

        Args:
            model: A video classifier.
            labels: Class names; by default numbers from 0, which `evaluate` replaces by the names
                of the data.
            shape: How frames become clips; by default a crop is 7/8 of the shorter side, as in the
                paper.
            path: Its file; by default the name of the model.
            batch: Clips per call.

        Raises:
            UserError: If labels and logits differ in number, or it is not a video classifier.
        """
        classes = model.output_shape[-1]
        if len(model.input_shape) != 6:
            raise UserError(
                f"{model.name}: takes {model.input_shape}; give a video classifier, which takes "
                "(batch, segments, stack, height, width, 3)"
            )
        if labels is not None and len(labels) != classes:
            raise UserError(
                f"labels: {len(labels)} for a model of {classes} classes; give one per class"
            )
        named = labels is not None
        if labels is None:
            labels = [str(number) for number in range(classes)]
        if shape is None:
            _, segments, stack, height, width, channels = model.input_shape
            if channels != 3:
                raise UserError(
                    f"{path or model.name}: takes motion fields, and a model alone does not say "
                    "which; give the folder of its run"
                )
            side = round(min(height, width) * 8 / 7)
            shape = ClipShape(segments, stack, (height, width), side)
        return cls(lambda: model, labels, shape, path or Path(model.name), batch=batch, named=named)

    @cached_property
    def model(self) -> keras.Model:
        """The model.

        Raises:
            UserError: If it is absent or damaged.
        """
        return self._load_model()

    @property
    def networks(self) -> dict[str, VideoNetwork]:
        """The networks in the model, by name."""
        return networks(self.model)

    @property
    def confidence(self) -> Confidence:
        """Temperature and threshold of the run; 1 and none of a model alone."""
        return Confidence() if self.run is None else self.run.confidence

    @property
    def field_folder(self) -> Path | None:
        """Folder of the run's motion fields; None without a run, or if the model takes frames."""
        if self.run is None or self.shape.field is None:
            return None
        return cue_folder(self.run.path, self.run.config)

    def load(self) -> None:
        """Loads the model if it is not loaded yet."""
        _ = self.model

    def logits(self, clips: np.ndarray) -> np.ndarray:
        """Logits `(B, classes)` of clips uint8 `(B, N, m, H, W, 3)`."""
        found = [np.zeros((0, self.model.output_shape[-1]), np.float32)]
        for start in range(0, len(clips), self.batch):
            part = clips[start : start + self.batch]
            missing = self.batch - len(part)
            padded = np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1))
            found.append(self._call(padded).numpy()[: len(part)])
        return np.concatenate(found)

    def for_whole_frames(self) -> "KerasClassifier":
        """The network with the same weights, rebuilt for `full_size(shape)`."""
        model = at_size(self.model, full_size(self.shape))
        return KerasClassifier(
            lambda: model,
            self.labels,
            self.shape,
            self.path,
            batch=self.batch,
            workers=self.workers,
            run=self.run,
            named=self.named,
        )

    def live_window(self) -> LiveWindow:
        """The window that cuts live frames into segments, sampled as the run's training clips were.

        Raises:
            UserError: If the sampling is unknown: without a run, or if the run is damaged.
        """
        require_frames(self, "live video")
        if self.run is None:
            raise UserError(
                f"{self.path}: a model file does not record the frame rate of its training clips; "
                "give the folder of its run"
            )
        return LiveWindow(
            self.run.live_sampling, partial(frame_for_model, shape=self.shape, resize=resize)
        )

    def answer(
        self, _segments: Sequence[LiveSegment], clip: np.ndarray | None
    ) -> np.ndarray | None:
        """Logits `(classes,)` for the last N segments."""
        return None if clip is None else self.logits(clip[None])[0]

    @cached_property
    def _call(self) -> Callable[[np.ndarray], Any]:
        model = self.model
        return tf.function(lambda frames: model(frames, training=False))


def at_size(model: keras.Model, size: tuple[int, int]) -> keras.Model:
    """Rebuilds a network with the same weights for frames of another size.

    Args:
        model: A video classifier.
        size: Height and width in pixels.
    """
    if tuple(model.size) == tuple(size):
        return model
    twin = type(model).from_config({**model.get_config(), "size": size})
    twin.set_weights(model.get_weights())
    return twin
