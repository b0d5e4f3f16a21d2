"""Training examples as pure functions of seed and position."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import lru_cache
from pathlib import Path

import numpy as np

from pan_keras.clips.augmentation import Augmentation
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.clips.sampling import (
    EXAMPLE,
    ORDER,
    dense_starts,
    random_starts,
    random_stream,
    stack_frames,
)
from pan_keras.data.clip import Clip
from pan_keras.errors import UserError
from pan_keras.input.frame_store import FrameStore
from pan_keras.input.left_out import LeftOut
from pan_keras.video.container import BrokenVideo

SAMPLING = ("random", "dense")


def steps_per_epoch(clips: Sequence[Clip], batch: int) -> int:
    """Counts the batches of one epoch: whole batches only, at least one.

    Args:
        clips: Training clips.
        batch: Clips per batch.

    Returns:
        The number of batches.

    Example:
        >>> steps_per_epoch(open_data("videos").clips("train"), batch=8)
        4
    """
    return max(1, len(clips) // batch)


class TrainingExamples:
    """The infinite sequence of training examples, accessible at any position.

    Args:
        clips: Clips to learn from.
        shape: Segments, stack, size and resize.
        augmentation: Augmentation of clips.
        batch: Clips per batch, which sets the length of an epoch.
        parts: Number of equal parts into which each batch is split.
        seed: Seed of order, sampling and augmentation.
        store: Source of decoded frames.
        sampling: `"random"` or `"dense"`.
        left_out: Clips that became unreadable earlier in the run; new ones are added.

    Raises:
        UserError: If there are no clips or `sampling` is unknown.

    Example:
        >>> examples = TrainingExamples(
        ...     clips, shape, Augmentation(), batch=8, seed=0, store=store
        ... )
        >>> with ThreadPoolExecutor(2) as workers:
        ...     frames, labels = examples.batch(590, workers)
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
        left_out: LeftOut | None = None,
    ):
        if not clips:
            raise UserError("there are no clips to train on; add videos to the train split")
        if sampling not in SAMPLING:
            raise UserError(f"sampling: {sampling!r} is not one of {', '.join(SAMPLING)}")
        store.check(shape)
        self.clips = clips
        self.shape = shape
        self.augmentation = augmentation
        self.size = batch // parts
        self.epoch_length = steps_per_epoch(clips, batch) * batch
        self.seed = seed
        self.store = store
        self.sampling = sampling
        self.left_out = LeftOut() if left_out is None else left_out
        # The end of an epoch and the start of the next are prepared concurrently.
        self.order = lru_cache(maxsize=4)(self._order)

    def batch(self, step: int, workers: Executor) -> tuple[np.ndarray, np.ndarray]:
        """Prepares the batch, or part of a batch, of a step.

        An unreadable clip is left out of the whole batch and of all later ones. It is replaced by
        the next clip in the order of the epoch that is not left out.

        Args:
            step: Global step, counted in parts if batches have parts.
            workers: Prepares the clips; the result does not depend on concurrency.

        Returns:
            Frames uint8 `(b, N, m, H, W, 3)` and labels int32 `(b,)`, b the clips of a part.

        Raises:
            UserError: If every clip is broken, or the disk of a disk cache is full.
        """
        first = int(step) * self.size
        broken: dict[Path, str] = {}
        ready: dict[int, tuple[Clip, np.ndarray]] = {}
        while len(ready) < self.size:
            chosen = {
                position: self._clip(position, first, broken)
                for position in range(first, first + self.size)
                if position not in ready
            }
            for position, found in zip(
                chosen, workers.map(self._attempt, chosen, chosen.values()), strict=True
            ):
                if isinstance(found, BrokenVideo):
                    broken[chosen[position].path] = found.reason
                else:
                    ready[position] = chosen[position], found
            # A clip may occur twice, and be unreadable only once.
            ready = {place: each for place, each in ready.items() if each[0].path not in broken}
        if broken:
            self.left_out.add(broken, first)
        clips, frames = zip(*(ready[position] for position in sorted(ready)), strict=True)
        return np.stack(frames), np.array([clip.label for clip in clips], np.int32)

    def _clip(self, position: int, first: int, broken: Mapping[Path, str]) -> Clip:
        """The clip at a position of the batch that begins at position `first`."""
        epoch, index = divmod(position, self.epoch_length)
        order = self.order(epoch)
        # If there are fewer clips than a batch, they are repeated.
        for substitute in range(len(order)):
            clip = self.clips[order[(index + substitute) % len(order)]]
            if clip.path not in broken and not self.left_out.holds(clip.path, first):
                return clip
        # Nothing is recorded as left out: the run can be resumed once the clips are back.
        path, reason = next(iter((broken or self.left_out.reasons).items()))
        self.store.failure = UserError(
            f"none of the {len(self.clips)} training clips can be decoded any more "
            f"({path.name}: {reason}); check that the disk with the data is there"
        )
        raise self.store.failure

    def _attempt(self, position: int, clip: Clip) -> np.ndarray | BrokenVideo:
        epoch, index = divmod(position, self.epoch_length)
        try:
            return self._stacks(clip, random_stream(self.seed, EXAMPLE, epoch, index))
        except BrokenVideo as error:
            return error

    def _stacks(self, clip: Clip, rng: np.random.Generator) -> np.ndarray:
        shape = self.shape
        count = self.store.count(clip.path)
        if self.sampling == "dense":
            starts = dense_starts(count, shape.segments, rng.integers)
        else:
            starts = random_starts(count, shape.segments, shape.stack, rng.integers)
        wanted = stack_frames(starts, count, shape.stack)
        if shape.field is not None:
            # The last frame of a stack has no successor in it.
            fields = self.store.frames(clip.path, wanted[:, :-1].ravel())
            return self.augmentation.of_fields(fields, shape.size, rng).reshape(shape.array)
        frames = self.store.frames(clip.path, wanted.ravel())
        times = np.repeat(starts / count, shape.stack)
        return self.augmentation(frames, shape.size, rng, times, shape.resizing).reshape(
            shape.array
        )

    def _order(self, epoch: int) -> np.ndarray:
        return random_stream(self.seed, ORDER, epoch).permutation(len(self.clips))
