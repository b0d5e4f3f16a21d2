"""The batches of a training, and the time spent waiting for them."""

import time
from collections.abc import Iterator, Sequence

import tensorflow as tf

from pan_keras.clips import ClipShape
from pan_keras.clips.augmentation import Augmentation
from pan_keras.config.config import Config
from pan_keras.data import Clip
from pan_keras.input import FrameStore, LeftOut, blurring, training_dataset
from pan_keras.input.blurring import Blur
from pan_keras.training.replicas import Replicas


def training_batches(
    config: Config,
    clips: Sequence[Clip],
    shape: ClipShape,
    *,
    store: FrameStore,
    left_out: LeftOut,
    replicas: Replicas,
    start_step: int,
) -> tf.data.Dataset:
    """Creates the dataset of a process's share of all batches, in parts.

    Args:
        config: The complete configuration.
        clips: The training clips.
        shape: Shape of the clips.
        store: Source of decoded frames.
        left_out: Clips that this process left out so far.
        replicas: The workers that train together; each takes `training.accumulate` parts.
        start_step: Global step of the first batch.

    Returns:
        A dataset of parts of batches, as `training_dataset` describes it.
    """
    augmentation = config.augmentation
    return training_dataset(
        clips,
        shape,
        Augmentation(
            crop=augmentation.crop,
            flip=bool(augmentation.flip),
            brightness=augmentation.brightness,
            contrast=augmentation.contrast,
            rotation=augmentation.rotation,
            zoom=augmentation.zoom,
            exposure=augmentation.exposure,
        ),
        batch=config.training.batch,
        parts=config.training.accumulate * replicas.count,
        share=(replicas.rank, replicas.processes),
        seed=config.training.seed,
        start_step=start_step,
        store=store,
        workers=config.data.workers,
        sampling=augmentation.sampling,
        left_out=left_out,
        blur=_blur(config, shape),
    )


def check_blur(config: Config) -> None:
    """Checks that tensorflow-io is installed if clips are to be blurred.

    Args:
        config: The configuration.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    if config.augmentation.blur:
        blurring(config.augmentation.blur, config.training.seed)


def _blur(config: Config, shape: ClipShape) -> Blur | None:
    largest = config.augmentation.blur
    if not largest or shape.field is not None:
        return None
    return blurring(largest, config.training.seed)


class TimedBatches:
    """Iterates over batches and measures the time spent waiting for them.

    Args:
        batches: Iterator over batches.

    Attributes:
        waited: Seconds waited since the start.
    """

    def __init__(self, batches: Iterator):
        self.batches = batches
        self.waited = 0.0

    def __iter__(self) -> "TimedBatches":
        return self

    def __next__(self):
        start = time.perf_counter()
        batch = next(self.batches)
        self.waited += time.perf_counter() - start
        return batch
