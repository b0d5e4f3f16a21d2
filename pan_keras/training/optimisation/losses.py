"""Cross-entropy with optional label smoothing and class weights."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from pan_keras.clips.sampling import MIXUP, random_stream

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def cross_entropy(smoothing: float = 0.0, class_weights: Sequence[float] | None = None) -> Loss:
    """Returns a function from labels `(B,)` and logits `(B, classes)` to the mean cross-entropy.

    Args:
        smoothing: Share of the target spread evenly over all classes.
        class_weights: Weight of the clips of each class; None for 1 everywhere.

    Example:
        >>> loss = cross_entropy(smoothing=0.1)
        >>> float(loss(tf.constant([0]), tf.constant([[2.0, 0.0]])))
        0.2269...

    References:
        Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016 (label smoothing).
    """

    def loss(labels, logits):
        if smoothing:
            classes = logits.shape[-1]
            targets = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        else:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        if class_weights is not None:
            losses *= tf.gather(tf.constant(class_weights, losses.dtype), labels)
        return tf.reduce_mean(losses)

    return loss


def balanced_weights(labels: Sequence[int], classes: int) -> list[float]:
    """Class weights that make all classes count equally, 1 on average over the clips.

    Args:
        labels: Label of each training clip.
        classes: Number of classes.

    Example:
        >>> balanced_weights([0, 0, 0, 1], classes=2)
        [0.6666666666666666, 2.0]
    """
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    return (len(labels) / (present * np.maximum(counts, 1))).tolist()


class Mixup:
    """Blends each clip of a batch with another one, frame by frame, and likewise the targets.

    The partner of a clip is the one at the mirrored position of the batch, whose order is already
    random. The share is drawn once per batch from a seed and the step, so that a resumed training
    mixes exactly like an uninterrupted one.

    Args:
        alpha: Both parameters of the Beta distribution of the share; with small values most batches
            are nearly unmixed.
        seed: Seed of the shares.

    Example:
        >>> mixup = Mixup(alpha=0.4, seed=7)
        >>> share = mixup.share(step=0)
        >>> mixup.blend(frames, share).shape == frames.shape
        True

    References:
        Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """

    def __init__(self, alpha: float, seed: int):
        self.alpha = alpha
        self.seed = seed

    def share(self, step: int, part: int = 0) -> float:
        """Draws the share of each clip that is kept, in 0..1.

        Args:
            step: Number of the training step.
            part: Number of the part of the batch.
        """
        generator = random_stream(self.seed, MIXUP, step, part)
        return generator.beta(self.alpha, self.alpha)

    @staticmethod
    def blend(frames, share):
        """Blends frames `(B, ...)` with those of their partners, in float32."""
        frames = tf.cast(frames, "float32")
        return share * frames + (1 - share) * partners(frames)


def partners(rows):
    """The elements at the mirrored positions of a batch `(B, ...)`."""
    return tf.reverse(rows, axis=[0])
