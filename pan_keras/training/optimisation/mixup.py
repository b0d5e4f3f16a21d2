"""Mixes the clips of a batch in pairs, so that small data sets are not learnt by heart."""

import tensorflow as tf

from pan_keras.clips.random_streams import MIXUP, random_stream


class Mixup:
    """Blends each clip of a batch with another one, frame by frame, and the targets alike.

    The partner of a clip is the one at the mirrored place of the batch: its order is random
    already. How much of each clip stays is drawn once a batch, from a seed and the step, so that a
    resumed training mixes as an unbroken one.

    Args:
        alpha: Both parameters of the Beta distribution of the share; small ones leave most batches
            nearly unmixed.
        seed: Of the shares.

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
        """What stays of each clip, in 0..1.

        Args:
            step: Number of the training step.
            part: Number of the part of its batch.
        """
        generator = random_stream(self.seed, MIXUP, step, part)
        return generator.beta(self.alpha, self.alpha)

    @staticmethod
    def blend(frames, share):
        """Frames `(B, ...)` in float32, each blended with those of its partner."""
        frames = tf.cast(frames, "float32")
        return share * frames + (1 - share) * partners(frames)


def partners(rows):
    """What stands at the mirrored places of a batch `(B, ...)`."""
    return tf.reverse(rows, axis=[0])
