"""Reproducible tf.data pipelines from clips to batches of stacks."""

import traceback
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from pan_keras.clips.augmentation import Augmentation
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.clips.crops import CROPS, Resize, evaluation_crops, full_size
from pan_keras.clips.fields import resize_bytes
from pan_keras.clips.opencv_resizing import resize
from pan_keras.clips.sampling import central_starts, dense_views, spread_starts, stack_frames
from pan_keras.data.clip import Clip
from pan_keras.errors import UserError
from pan_keras.input.blurring import Blur
from pan_keras.input.examples import TrainingExamples
from pan_keras.input.frame_store import FrameStore
from pan_keras.input.left_out import LeftOut
from pan_keras.video.container import BrokenVideo

BATCHES_AHEAD = 4
TEMPORAL = (1, 2, 10)
EVALUATION_SAMPLING = ("spread", "central")


def training_dataset(
    clips: Sequence[Clip],
    shape: ClipShape,
    augmentation: Augmentation,
    *,
    batch: int,
    seed: int,
    store: FrameStore,
    parts: int = 1,
    start_step: int = 0,
    share: tuple[int, int] = (0, 1),
    workers: int = 2,
    sampling: str = "random",
    left_out: LeftOut | None = None,
    blur: Blur | None = None,
) -> tf.data.Dataset:
    """Creates an infinite dataset of batches, reshuffled each epoch.

    The batch of global step `s` depends only on `(seed, s)` and `left_out`, not on the number of
    workers, the cache or the start step. An unreadable clip is replaced by the next one and added
    to `store.broken`. The threads end with the dataset.

    Args:
        clips: Training clips.
        shape: Segments, stack, size and resize.
        augmentation: Augmentation of clips.
        batch: Clips per batch.
        seed: Seed of order, sampling and augmentation.
        store: Source of decoded frames; reuse it across epochs, as it holds the cache.
        parts: Number of equal parts into which each batch is split, for gradient accumulation.
        start_step: Global step of the first batch; nothing before it is decoded.
        share: `(i, n)` for share i of n equal shares of each batch, for one of n processes that
            train together: successive parts, the same as in a dataset of all. n divides `parts`.
        workers: Clips prepared concurrently.
        sampling: `"random"` (one random stack per segment) or `"dense"` (within 64 frames).
        left_out: Clips that became unreadable earlier in the run; new ones are added.
        blur: Blurs the clips of a part, if given.

    Returns:
        A dataset of `(frames, labels)`, uint8 `(b, N, m, H, W, 3)` and int32 `(b,)`, where b is the
        number of clips per part.

    Raises:
        UserError: If there are no clips or `sampling` is unknown. Inside `reporting`, also for
            errors during iteration.

    Example:
        >>> store, shape = FrameStore(resize=84, cache="memory"), ClipShape(8, 3, (72, 96), 84)
        >>> data = training_dataset(clips, shape, Augmentation(), batch=8, seed=0, store=store)
        >>> frames, labels = next(iter(data))
        >>> frames.shape, labels.shape
        (TensorShape([8, 8, 3, 72, 96, 3]), TensorShape([8]))
    """
    examples = TrainingExamples(
        clips,
        shape,
        augmentation,
        batch=batch,
        parts=parts,
        seed=seed,
        store=store,
        sampling=sampling,
        left_out=left_out,
    )
    rows = examples.size

    # Clips are distributed over threads here, not by `map`: with op determinism, tf.data runs
    # one Python call at a time.
    threads = ThreadPoolExecutor(workers, thread_name_prefix="training clips")
    held = {"examples": examples, "threads": threads}

    def prepared(step):
        frames, labels = tf.numpy_function(
            lambda step: held["examples"].batch(step, held["threads"]),
            [step],
            [tf.uint8, tf.int32],
        )
        frames = tf.ensure_shape(frames, (rows, *shape.array))
        return (
            frames if blur is None else blur(frames, step),
            tf.ensure_shape(labels, (rows,)),
        )

    index, shares = share
    own = parts // shares  # parts of a batch in the share

    def part(count):
        return count // own * parts + index * own + count % own

    data = tf.data.Dataset.counter(start_step * own).map(part).map(prepared)
    weakref.finalize(data, _release, held)
    return _untuned(data.prefetch(BATCHES_AHEAD))


def evaluation_dataset(
    clips: Sequence[Clip],
    shape: ClipShape,
    *,
    batch: int,
    store: FrameStore,
    crops: str = "1",
    temporal: int = 1,
    sampling: str = "spread",
    workers: int = 2,
) -> tf.data.Dataset:
    """Creates a dataset of each clip once, as one or several views, in the order of `clips`.

    A clip that cannot be decoded gives no rows and is added to `store.broken`.

    Args:
        clips: Clips to measure on.
        shape: Segments, stack, size and resize.
        batch: Views per batch; the last batch may have fewer.
        store: Source of decoded frames.
        crops: `"1"` centre, `"3"` along the longer side, `"full"` the centre at `full_size`.
        temporal: Samples in time: 1 (middles of the segments), 2 (and their starts) or 10
            (windows of 64 frames).
        sampling: Treatment of short clips with one sample in time: `"spread"` over all frames
            (`spread_starts`), or `"central"` at their start (`central_starts`).
        workers: Clips prepared concurrently.

    Returns:
        A dataset of `(frames, index)`, uint8 `(b, N, m, H, W, 3)` and int32 `(b,)`: the view and
        the position of its clip in `clips`. The views of a clip, `temporal` times crops, are
        consecutive.

    Raises:
        UserError: If `crops`, `temporal` or `sampling` is unknown.

    Example:
        >>> store, shape = FrameStore(resize=84), ClipShape(8, 3, (72, 96), 84)
        >>> frames, index = next(iter(evaluation_dataset(clips, shape, batch=4, store=store)))
        >>> frames.shape, index.shape
        (TensorShape([4, 8, 3, 72, 96, 3]), TensorShape([4]))
    """
    if crops not in CROPS:
        raise UserError(f"crops: {crops!r} is not one of {', '.join(CROPS)}")
    if temporal not in TEMPORAL:
        raise UserError(f"clips: {temporal} samples in time is not one of 1, 2, 10")
    store.check(shape, crops)
    if sampling not in EVALUATION_SAMPLING:
        raise UserError(f"sampling: {sampling!r} is not one of {', '.join(EVALUATION_SAMPLING)}")
    size = full_size(shape) if crops == "full" else shape.size
    view = (*shape.array[:2], *size, shape.array[-1])
    held = {"store": store}

    def views(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            found = clip_views(clips[int(place)], shape, held["store"], crops, temporal, sampling)
        except BrokenVideo:
            found = np.empty((0, *view), np.uint8)
        return found, np.full(len(found), place, np.int32)

    def rows(place):
        found, index = tf.numpy_function(views, [place], [tf.uint8, tf.int32])
        return tf.ensure_shape(found, (None, *view)), tf.ensure_shape(index, (None,))

    data = tf.data.Dataset.range(len(clips))
    data = data.map(rows, num_parallel_calls=workers, deterministic=True)
    weakref.finalize(data, _release, held)
    return _untuned(data.unbatch().batch(batch).prefetch(BATCHES_AHEAD))


def clip_views(
    clip: Clip,
    shape: ClipShape,
    store: FrameStore,
    crops: str = "1",
    temporal: int = 1,
    sampling: str = "spread",
) -> np.ndarray:
    """Reads the views of a clip as in evaluation.

    Args:
        clip: A clip.
        shape: Segments, stack, size and resize.
        store: Source of decoded frames.
        crops: As for `evaluation_dataset`.
        temporal: As for `evaluation_dataset`.
        sampling: As for `evaluation_dataset`.

    Returns:
        uint8 `(views, N, m, H, W, 3)`, for fields `(views, N, m - 1, H, W, 2)`: the crops of each
        sample in time.

    Raises:
        BrokenVideo: If the clip cannot be decoded.

    Example:
        >>> store, shape = FrameStore(resize=84), ClipShape(8, 3, (72, 96), 84)
        >>> clip_views(clips[0], shape, store, crops="3", temporal=2).shape
        (6, 8, 3, 72, 96, 3)
    """
    store.check(shape, crops)
    count = store.count(clip.path)
    if temporal == 10:
        starts = dense_views(count, shape.segments)
    elif temporal == 1 and sampling == "central":
        starts = central_starts(count, shape.segments, shape.stack)[None]
    else:
        starts = spread_starts(count, shape.segments, shape.stack, views=temporal)
    stacks = stack_frames(starts, count, shape.stack)
    scale: Resize = resize
    if shape.field is not None:
        stacks, scale = stacks[..., :-1], resize_bytes
    wanted, places = np.unique(stacks, return_inverse=True)
    cut = evaluation_crops(store.frames(clip.path, wanted), shape, crops, scale)
    views = np.stack([frames[places] for frames in cut], axis=1)
    return views.reshape(-1, *views.shape[2:])


def _untuned(data: tf.data.Dataset) -> tf.data.Dataset:
    """Switches autotuning off: all sizes are fixed, and deleting an iterator waits for the tuner.

    That thread sleeps for up to several seconds at a time.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def _release(held: dict[str, Any]) -> None:
    """Releases the resources of a pipeline, as TensorFlow never frees a dataset's Python code."""
    if "threads" in held:
        held["threads"].shutdown(wait=False, cancel_futures=True)
    held.clear()


@contextmanager
def reporting(store: FrameStore) -> Iterator[None]:
    """Re-raises the `UserError` behind a TensorFlow error from inside a pipeline.

    Args:
        store: The frame store of the pipeline that is read inside the block.

    Yields:
        Nothing.

    Raises:
        UserError: The error inside the pipeline, such as a full disk.

    Example:
        >>> store, shape = FrameStore(resize=84), ClipShape(8, 3, (72, 96), 84)
        >>> with reporting(store):
        ...     views = list(evaluation_dataset(clips, shape, batch=8, store=store))
    """
    try:
        yield
    except tf.errors.OpError as error:
        if store.failure is None:
            raise
        # The frames of the traceback reference the iterator. The garbage collector might free it
        # in one of the iterator's own threads, which would then deadlock.
        traceback.clear_frames(error.__traceback__)
        raise UserError(str(store.failure)) from None
