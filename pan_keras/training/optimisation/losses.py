"""What training makes small: cross-entropy, on request with smooth targets or weighed classes."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def cross_entropy(smoothing: float = 0.0, class_weights: Sequence[float] | None = None) -> Loss:
    """A function from labels `(B,)` and logits `(B, classes)` to their mean cross-entropy.

    Args:
        smoothing: Share of the target that is spread over all classes.
        class_weights: Factor of the clips of each class; None for 1 everywhere.

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
    """Factors that let all classes count alike, 1 on average over the clips.

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
