"""Batches for `model.fit` and `model.evaluate`."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import keras
import numpy as np

from pan_keras.clips.augmentation import Augmentation
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.data import Clip, VideoData
from pan_keras.errors import UserError
from pan_keras.input.examples import TrainingExamples, steps_per_epoch
from pan_keras.input.field_store import clip_store
from pan_keras.input.pipeline import clip_views
from pan_keras.video import BrokenVideo

RESIZED = 8 / 7  # shorter side of a frame over that of the crop, 256 / 224 in the paper


class ClipBatches(keras.utils.PyDataset):
    """Batches of the clips of one split, for models that you compile and fit yourself.

    Training clips are reshuffled, resampled and augmented in each epoch, from `seed`, in whole
    batches only. Clips of other splits are given in order, once each, sampled at the middle of
    their segments and cropped at the centre.

    Args:
        data: The result of `open_data`.
        model: The model for the clips, or their `ClipShape`.
        split: `"train"`, `"val"` or `"test"`.
        batch: Clips per batch.
        augmentation: Augmentation of training clips; random crops by default.
        sampling: Sampling of training clips: `"random"`, or `"dense"` within 64 frames.
        seed: Seed of order, sampling and augmentation.
        cache: Where decoded frames are kept: `"memory"` or `"none"`.
        workers: Clips prepared concurrently.

    Items are `(frames, labels)`: uint8 `(batch, N, m, H, W, 3)` and int32 `(batch,)`.

    Raises:
        UserError: If the split has no clips, or the model does not take clips.

    Example:
        >>> data = open_data("videos")
        >>> model = models.create("pan_lite_micro", classes=8, segments=4, stack=2, size=32)
        >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> batches = ClipBatches(data, model)
        >>> frames, labels = batches[0]
        >>> frames.shape, labels.shape
        ((8, 4, 2, 32, 32, 3), (8,))
        >>> history = model.fit(batches, validation_data=ClipBatches(data, model, "val"), verbose=0)
    """

    def __init__(
        self,
        data: VideoData,
        model: keras.Model | ClipShape,
        split: str = "train",
        *,
        batch: int = 8,
        augmentation: Augmentation | None = None,
        sampling: Literal["random", "dense"] = "random",
        seed: int = 0,
        cache: Literal["none", "memory"] = "memory",
        workers: int = 2,
    ):
        # Clips are distributed over threads here; each of Keras's workers would prepare a batch.
        super().__init__(workers=1)
        self.clips = data.clips(split)
        if not self.clips:
            raise UserError(f"{data.source}: no clip of the split {split}; name one that has clips")
        self.split = split
        self.batch = batch
        self.epoch = 0
        self.shape = model if isinstance(model, ClipShape) else _shape_of(model)
        self._store = clip_store(self.shape, cache)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="clips")
        weakref.finalize(self, self._threads.shutdown, wait=False, cancel_futures=True)
        self._examples = None
        if split == "train":
            self._examples = TrainingExamples(
                self.clips,
                self.shape,
                augmentation or Augmentation(),
                batch=batch,
                seed=seed,
                store=self._store,
                sampling=sampling,
            )

    def __len__(self) -> int:
        """Batches per epoch."""
        if self._examples is not None:
            return steps_per_epoch(self.clips, self.batch)
        return (len(self.clips) + self.batch - 1) // self.batch

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Prepares a batch of the current epoch.

        Raises:
            UserError: If no clip of the batch can be decoded.
        """
        if self._examples is not None:
            return self._examples.batch(self.epoch * len(self) + index, self._threads)
        clips = self.clips[index * self.batch : (index + 1) * self.batch]
        views = list(self._threads.map(self._view, clips))
        found = [(view, clip.label) for view, clip in zip(views, clips, strict=True) if len(view)]
        if not found:
            raise UserError(
                f"{clips[0].path}: neither it nor the other clips of its batch can be decoded"
            )
        return (
            np.concatenate([view for view, _ in found]),
            np.array([label for _, label in found], np.int32),
        )

    def on_epoch_end(self) -> None:
        """Advances to the next epoch; called by `fit`.

        Example:
            >>> batches.on_epoch_end()
        """
        self.epoch += 1

    def _view(self, clip: Clip) -> np.ndarray:
        try:
            return clip_views(clip, self.shape, self._store)
        except BrokenVideo:
            return np.empty((0, *self.shape.array), np.uint8)


def _shape_of(model: Any) -> ClipShape:
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 6 or None in shape[1:]:
        raise UserError(
            f"{getattr(model, 'name', model)}: takes {shape}; give a video classifier, which takes "
            "(batch, segments, stack, height, width, 3), or a ClipShape"
        )
    _, segments, stack, height, width, channels = shape
    if channels != 3:
        raise UserError(
            f"{getattr(model, 'name', model)}: takes motion fields and does not say which; give a "
            "ClipShape with its field"
        )
    return ClipShape(segments, stack, (height, width), round(min(height, width) * RESIZED))
