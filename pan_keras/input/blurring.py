"""Random blur of training clips, computed by tensorflow-io inside tf.data."""

import math
import warnings
from collections.abc import Callable

import tensorflow as tf

Blur = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
SHARPEST = 1e-3  # pixels; a Gaussian of this deviation changes nothing


def blurring(largest: float, seed: int) -> Blur:
    """Returns a function that blurs clips as a camera that is out of focus does.

    All frames of a clip are blurred alike, by a Gaussian whose standard deviation is uniform in 0
    to `largest`. It depends only on the seed, the part and the position in it.

    Args:
        largest: Largest standard deviation in pixels of the model's input.
        seed: Seed of the training.

    Returns:
        A function of frames, uint8 `(b, N, m, H, W, 3)`, and the number of the part of a batch.

    Raises:
        ModuleNotFoundError: If tensorflow-io is not installed.

    Example:
        >>> blur = blurring(1.5, seed=0)
        >>> blur(np.zeros((2, 8, 3, 72, 96, 3), "uint8"), part=0).shape
        TensorShape([2, 8, 3, 72, 96, 3])
    """
    with warnings.catch_warnings():
        # It cannot load its native libraries beside current TensorFlow; the filter needs none.
        warnings.simplefilter("ignore")
        from tensorflow_io.python.experimental.filter_ops import (  # noqa: PLC0415 (optional)
            gaussian,
        )
    side = 2 * math.ceil(3 * largest) + 1

    def blur_clip(given: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        clip, deviation = given
        shape = tf.shape(clip)
        frames = tf.reshape(tf.cast(clip, tf.float32), (-1, *clip.shape[2:]))
        blurred = gaussian(frames, side, deviation, mode="SYMMETRIC")
        return tf.reshape(tf.saturate_cast(tf.round(blurred), tf.uint8), shape)

    def blur(frames: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
        place = tf.stack([tf.constant(seed, tf.int64), tf.cast(part, tf.int64)])
        deviations = tf.random.stateless_uniform(
            (tf.shape(frames)[0],), place, SHARPEST, max(largest, SHARPEST)
        )
        return tf.map_fn(blur_clip, (frames, deviations), fn_output_signature=tf.uint8)

    return blur
