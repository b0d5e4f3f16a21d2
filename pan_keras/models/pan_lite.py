"""PAN_Lite: one backbone for appearance and motion together."""

import keras

from pan_keras.models.cues import AppearanceCue, Cue, MotionCue
from pan_keras.models.video_network import VideoNetwork


@keras.saving.register_keras_serializable(package="pan_keras")
class PANLite(VideoNetwork):
    """PAN_Lite: the first frame and the PA of each stack as one input with m + 2 channels.

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

    modality = "lite"

    @classmethod
    def plan(cls, stack: int) -> tuple[Cue, ...]:
        """RGB of the first frame, and PA of the stack."""
        return (AppearanceCue(), MotionCue(0, stack - 1))
