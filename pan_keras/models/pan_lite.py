"""PAN_Lite: one backbone that sees appearance and motion together."""

import keras
from keras import ops

from pan_keras.models.video_network import VideoNetwork, motion_of, normalise, unfold


@keras.saving.register_keras_serializable(package="pan_keras")
class PANLite(VideoNetwork):
    """PAN_Lite: the first frame of each stack and the PA of the stack, as one input of m + 2 maps.

    The backbone's first three channels are the normalised RGB, the other m - 1 the PA maps in
    chronological order. Arguments, input and output are those of `VideoNetwork`.

    Example:
        >>> model = PANLite(classes=8, backbone="micro", segments=8, stack=4, size=112)
        >>> model(keras.random.uniform((2, 8, 4, 112, 112, 3), 0, 255)).shape
        (2, 8)
        >>> model.intermediates(keras.ops.zeros((2, 8, 4, 112, 112, 3)))["motion"].shape
        (2, 8, 112, 112, 3)

    References:
        PAN paper, Sec. IV-A (Eq. 10), Fig. 3-C.
    """

    @staticmethod
    def cue_channels(stack: int) -> int:
        """Channels that the backbone sees, for stacks of m frames."""
        return 3 + stack - 1

    @staticmethod
    def cues(stacks, height: int, policy, stddev: float | None = None) -> dict:
        """RGB of the first frames and PA, concatenated."""
        stacks = normalise(stacks)
        motion = motion_of(stacks, height, policy, stddev)
        rgb = ops.cast(unfold(stacks[:, 0], height), motion.dtype)
        return {"maps": ops.concatenate([rgb, motion], axis=-1), "motion": motion}
