"""Training examples, each a function of the seed and its position alone."""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import lru_cache

import numpy as np

from pan_keras.data.augmentation import Augmentation
from pan_keras.data.clip import Clip
from pan_keras.data.clip_shape import ClipShape
from pan_keras.data.container import BrokenVideo
from pan_keras.data.frame_store import FrameStore
from pan_keras.data.sampling import dense_starts, random_starts, stack_frames
from pan_keras.errors import UserError

SAMPLING = ("random", "dense")


def steps_per_epoch(clips: Sequence[Clip], batch: int) -> int:
    """Batches in one pass: whole batches only, one at least.

    Args:
        clips: Clips to learn from.
        batch: Clips per batch.
    """
    return max(1, len(clips) // batch)


class TrainingExamples:
    """The endless row of training examples, open at any position.

    Args:
        clips: Clips to learn from.
        shape: Segments, stack, size and resize.
        augmentation: How clips are varied.
        batch: Clips per batch, which sets the length of an epoch.
        parts: Equal parts that a batch comes in, one after the other.
        seed: Seed of order, sampling and augmentation.
        store: Source of decoded frames.
        sampling: `"random"` or `"dense"`.

    Raises:
        UserError: If there are no clips or `sampling` is unknown.

    Example:
        >>> examples = TrainingExamples(
        ...     clips, shape, Augmentation(), batch=8, seed=0, store=store
        ... )
        >>> frames, label = examples.example(4711)
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        shape: ClipShape,
        augmentation: Augmentation,
        *,
        batch: int,
        seed: int,
        store: FrameStore,
        parts: int = 1,
        sampling: str = "random",
    ):
        if not clips:
            raise UserError("there are no clips to train on; add videos to the train split")
        if sampling not in SAMPLING:
            raise UserError(f"sampling: {sampling!r} is none of {', '.join(SAMPLING)}")
        self.clips = clips
        self.shape = shape
        self.augmentation = augmentation
        self.size = batch // parts
        self.epoch_length = steps_per_epoch(clips, batch) * batch
        self.seed = seed
        self.store = store
        self.sampling = sampling
        # An epoch's end and the next one's start are prepared side by side.
        self.order = lru_cache(maxsize=4)(self._order)

    def batch(self, step: int, workers: Executor) -> tuple[np.ndarray, np.ndarray]:
        """The batch, or part of a batch, at a place.

        Args:
            step: Global step; where batches come in parts, parts are counted.
            workers: Prepares the clips; one after the other or side by side, they are the same.

        Returns:
            Frames uint8 `(b, N, m, H, W, 3)` and labels int32 `(b,)`, b the clips of a part.

        Raises:
            UserError: As `example`.
        """
        first = int(step) * self.size
        frames, labels = zip(
            *workers.map(self.example, range(first, first + self.size)), strict=True
        )
        return np.stack(frames), np.array(labels)

    def example(self, position: int) -> tuple[np.ndarray, np.int32]:
        """The example at a position, counted over all epochs.

        Args:
            position: Global step times batch plus place in the batch.

        Returns:
            Frames uint8 `(N, m, H, W, 3)` and the label.

        Raises:
            UserError: If every clip is broken, or the disk of a disk cache is full.
        """
        epoch, index = divmod(int(position), self.epoch_length)
        order = self.order(epoch)
        # Fewer clips than a batch are gone through again to fill it.
        for substitute in range(len(order)):
            clip = self.clips[order[(index + substitute) % len(order)]]
            rng = np.random.default_rng([self.seed, epoch, index])
            try:
                return self._stacks(clip, rng), np.int32(clip.label)
            except BrokenVideo:
                continue
        self.store.failure = UserError(
            f"none of the {len(self.clips)} training clips can be decoded any more; "
            "check that the disk with the data is there"
        )
        raise self.store.failure

    def _stacks(self, clip: Clip, rng: np.random.Generator) -> np.ndarray:
        shape = self.shape
        count = self.store.count(clip.path)
        if self.sampling == "dense":
            starts = dense_starts(count, shape.segments, rng.integers)
        else:
            starts = random_starts(count, shape.segments, shape.stack, rng.integers)
        frames = self.store.frames(clip.path, stack_frames(starts, count, shape.stack).ravel())
        times = np.repeat(starts / count, shape.stack)
        return self.augmentation(frames, shape.size, rng, times).reshape(shape.array)

    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.clips))
